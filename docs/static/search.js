// Sphinx's search finds only pages that have every word of a query. People ask in their own words, so that this one
// orders all pages that have some of them: rare words count more, and a title, a page's SEARCH_WORDS or a heading
// count more than text. It reads Sphinx's own index, and works from the disk.
(() => {
  const FILLERS = new Set(
    "a an and any are as at be but by can cannot do does doesn don for from get give has have how i if in into is it its me my near no not of on or our s should such t that the their then there these they this to use using want was way what when where which why will with would you your".split(" "),
  );
  const WEIGHTS = { title: 5, words: 5, heading: 2.5, text: 1 };

  function siteWords(text) {
    const stemmer = new Stemmer();
    const parts = text.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
    return parts.filter((word) => !FILLERS.has(word)).map((word) => stemmer.stemWord(word));
  }

  const files = (entry) => (entry === undefined ? [] : Array.isArray(entry) ? entry : [entry]);

  // "imbalanced" has another stem than "imbalance": where no word is the same, a shared beginning counts.
  const isNear = (one, other) => one.startsWith(other) ? other.length > 4 : one.length > 2 && other.startsWith(one);
  const has = (words, word) => words.has(word) || (word.length > 4 && [...words].some((one) => isNear(word, one)));

  // The pages that have a word in their text, or in a heading.
  function pagesWith(table, word) {
    if (Object.hasOwn(table, word)) return new Set(files(table[word]));
    return new Set(Object.keys(table).filter((term) => isNear(word, term)).flatMap((term) => files(table[term])));
  }

  function breadths(index) {
    const counts = index.docnames.map(() => 1);
    for (const entry of Object.values(index.terms)) for (const file of files(entry)) counts[file] += 1;
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    return counts.map((count) => Math.max(1, Math.sqrt(count / mean)));
  }

  function pageFields(index) {
    const breadth = breadths(index);
    return index.docnames.map((name, file) => {
      const phrases = (SEARCH_WORDS[name] ?? "").split(",").map(siteWords);
      return { title: new Set(siteWords(index.titles[file])), phrases, words: new Set(phrases.flat()), breadth: breadth[file] };
    });
  }

  // All words of a query in one phrase or in the title; half as much if the phrase has others.
  function phraseBonus(words, page) {
    const shares = [[...page.title], ...page.phrases]
      .filter((phrase) => words.every((word) => phrase.includes(word)))
      .map((phrase) => words.length / new Set(phrase).size);
    return shares.length ? 0.5 + Math.max(...shares) / 2 : 0;
  }

  function rankedPages(index, query) {
    const words = [...new Set(siteWords(query))];
    const pages = (index.fields ??= pageFields(index));
    const found = words.map((word) => ({
      word,
      text: pagesWith(index.terms, word),
      heading: pagesWith(index.titleterms, word),
    }));
    const rarity = ({ text }) => Math.log(1 + pages.length / (1 + text.size));
    const total = found.reduce((sum, one) => sum + rarity(one), 0);
    return pages.flatMap((page, file) => {
      let score = 0;
      let matched = 0;
      for (const one of found) {
        const weight = Math.max(
          has(page.title, one.word) ? WEIGHTS.title : 0,
          has(page.words, one.word) ? WEIGHTS.words : 0,
          one.heading.has(file) ? WEIGHTS.heading / page.breadth : 0,
          one.text.has(file) ? WEIGHTS.text / page.breadth : 0,
        );
        score += weight * rarity(one);
        if (weight) matched += rarity(one);
      }
      if (!matched) return [];
      return [{ file, score: score * (matched / total) ** 2 + 10 * total * phraseBonus(words, page) }];
    });
  }

  function siteSearch(query, searchTerms, excludedTerms, highlightTerms, objectTerms) {
    const index = Search._index;
    document.getElementById("search-progress")?.replaceChildren();
    const results = rankedPages(index, query).map(({ file, score }) => {
      return [index.docnames[file], index.titles[file], "", null, score, index.filenames[file], SearchResultKind.text];
    });
    const best = Math.max(0, ...results.map((result) => result[4]));
    for (const name of query.match(/[\w.]*[\w]/g)?.length === 1 ? objectTerms : []) {
      for (const result of Search.performObjectSearch(name, objectTerms)) {
        result[4] = result[4] >= Scorer.objNameMatch ? best + result[4] : result[4] / 10;
        results.push(result);
      }
    }
    return results.sort((first, second) => first[4] - second[4] || (first[1] < second[1] ? 1 : -1)).slice(-60);
  }

  const replaceSearch = () => typeof Search !== "undefined" && (Search._performSearch = siteSearch);
  replaceSearch() || document.addEventListener("DOMContentLoaded", replaceSearch);
})();
