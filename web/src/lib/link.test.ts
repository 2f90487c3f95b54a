import { expect, it } from "vitest";
import { joinLink, splitLink } from "./link";

it("splits the run from the place, and joins them again", () => {
  const fragment = "#v=1&data=moons&lr=.3&t=412&view=step&s=bp2.1.gate&ex=3&sel=w2.3.1";
  const { run, t, place } = splitLink(fragment);
  expect(run).toBe("v=1&data=moons&lr=.3");
  expect(t).toBe(412);
  expect(place).toEqual({ view: "step", s: "bp2.1.gate", ex: "3", sel: "w2.3.1" });
  expect(splitLink(joinLink(run, 412, place))).toEqual({ run, t, place });
});

it("leaves rubbish to the engine, which names it", () => {
  expect(splitLink("#zzz&t=-4&%E0%A4%A=1").run).toBe("zzz=&t=-4&%E0%A4%A=1");
});
