// Where the reader is: links open what is folded, choices leave in place what is looked at.

const NARROW = matchMedia("(max-width: 45rem)");

/** Open all that is folded around an element, and go there. */
function reveal(element) {
  for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  for (const fold of element.querySelectorAll(":scope > details")) fold.open = true;
  element.scrollIntoView({ block: "start" });
}

function revealAddressed() {
  const element = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (element) reveal(element);
}

/** The height of what sticks to the upper edge of the window above the tiles of an explorer. */
function coveredAbove({ controls }) {
  const toolbar = document.getElementById("toolbar");
  const own = getComputedStyle(controls).position === "sticky" ? controls.offsetHeight : 0;
  return toolbar.offsetHeight + own;
}

/** Do what changes heights, and keep what is in the middle of the window where it is. */
function steadily(act) {
  const seen = document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest(".tile, .panel, .layer summary");
  const before = seen?.getBoundingClientRect().top;
  act();
  if (seen?.isConnected) scrollBy(0, seen.getBoundingClientRect().top - before);
}

/** Bring the beginning of the tiles back into the window, where it lies above. */
function backToTiles(explorer) {
  const above = explorer.tiles.firstElementChild?.getBoundingClientRect().top - coveredAbove(explorer) - 8;
  if (above < 0) scrollBy(0, above);
}

/** Put the panel below the row of the chosen tile, where there is no room for it beside the tiles. */
function placePanel({ tiles, panel, chosen }) {
  const isOpen = panel.classList.contains("open");
  panel.classList.remove("open"); // or it would stand between the tiles whose rows are looked for
  const all = [...tiles.children];
  const here = all.find(({ filter }) => filter === chosen);
  const row = all.filter((tile) => tile.offsetTop === here?.offsetTop);
  panel.style.order = 2 * all.indexOf(row[row.length - 1]) + 1;
  panel.classList.toggle("open", isOpen);
}

/** Open the panel of a narrow window at the tile that was chosen, which stays where it is. */
function openPanel(explorer, tile) {
  if (!NARROW.matches) return;
  const before = tile.getBoundingClientRect().top;
  placePanel(explorer);
  explorer.panel.classList.add("open");
  scrollBy(0, tile.getBoundingClientRect().top - before);
  const hidden = explorer.panel.getBoundingClientRect().bottom - innerHeight + 8;
  const room = tile.getBoundingClientRect().top - coveredAbove(explorer) - 8;
  if (hidden > 0) scrollBy(0, Math.max(0, Math.min(hidden, room)));
}

function closePanel({ panel, tiles, chosen }) {
  steadily(() => panel.classList.remove("open"));
  const tile = [...tiles.children].find(({ filter }) => filter === chosen);
  tile?.focus({ preventScroll: true });
  panel.classList.remove("open"); // which the focus has opened again
}
