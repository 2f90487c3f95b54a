// From the disk a browser does not let a page read another one: search then shows titles without an excerpt.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// A block of code or a table that is wider than its column fades out at the side where there is more of it.
(() => {
  const wide = (element) => {
    const end = element.scrollWidth - element.clientWidth;
    element.classList.toggle("more-after", element.scrollLeft < end - 2);
    element.classList.toggle("more-before", element.scrollLeft > 2);
  };
  addEventListener("load", () => {
    const resized = new ResizeObserver((entries) => entries.forEach((entry) => wide(entry.target)));
    for (const element of document.querySelectorAll(".bd-article pre, .bd-article table, .bd-article .formula")) {
      element.addEventListener("scroll", () => wide(element), { passive: true });
      resized.observe(element);
    }
  });
})();
