// Where the script begins: the page's choices, and layers that come to life when they are about to be seen.

const choices = { scale: "layer", size: 1 };
const explorers = [];
const built = new Map();
const BUILD_AHEAD = "1000px";

const buildWhenNear = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) build(target);
  },
  { rootMargin: BUILD_AHEAD },
);

/** Build an explorer once; return a promise of it. */
function build(place) {
  buildWhenNear.unobserve(place);
  if (!built.has(place)) {
    const promised = buildExplorer(place);
    built.set(place, promised);
    promised.then((explorer) => explorers.push(explorer));
  }
  return built.get(place);
}

/** Choose a filter that is named in a text, and go to it. */
async function goTo(anchor, filter) {
  const layer = document.getElementById(anchor);
  reveal(layer);
  const explorer = await build(layer.querySelector(".explorer"));
  if (![...explorer.tiles.children].some((tile) => tile.filter === filter)) {
    explorer.badge.value = "";
    arrange(explorer);
  }
  const tile = [...explorer.tiles.children].find((each) => each.filter === filter);
  tile.scrollIntoView({ block: "center" });
  tile.focus({ preventScroll: true });
}

function followLinks() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (!link) return;
    const anchor = link.getAttribute("href").slice(1);
    if (link.dataset.filter && document.querySelector(`#${CSS.escape(anchor)} .explorer`)) {
      event.preventDefault();
      goTo(anchor, Number(link.dataset.filter));
    } else if (location.hash === `#${anchor}`) {
      revealAddressed(); // which is no change of the address
    }
  });
  addEventListener("hashchange", revealAddressed);
  revealAddressed();
}

/** Tell in the toolbar which layer is looked at, and go to the one that is chosen there. */
function followLayers(jump) {
  jump.addEventListener("change", () => reveal(document.getElementById(jump.value)));
  const look = () => {
    const layers = [...document.querySelectorAll(".layer .inside")];
    const above = layers.filter((each) => each.offsetParent && each.getBoundingClientRect().top < innerHeight / 2);
    jump.selectedIndex = 0;
    if (above.length) jump.value = above[above.length - 1].id;
  };
  look();
  let waiting = false;
  addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      look();
    });
  });
}

function chooseTheme() {
  const theme = document.getElementById("theme");
  document.getElementById("themes").hidden = false;
  theme.addEventListener("change", () => {
    document.documentElement.dataset.theme = theme.value;
  });
}

function begin() {
  const places = document.querySelectorAll(".explorer");
  if (!places.length) return;
  document.getElementById("toolbar").hidden = false;
  const [scale, size, jump] = ["scale", "size", "jump"].map((id) => document.getElementById(id));
  const redrawAll = () => steadily(() => explorers.forEach(redraw));
  scale.addEventListener("change", () => {
    choices.scale = scale.value;
    redrawAll();
  });
  size.addEventListener("input", () => {
    choices.size = Number(size.value);
    redrawAll();
  });
  const measure = () => {
    const { offsetHeight } = document.getElementById("toolbar");
    document.documentElement.style.setProperty("--bar", `${offsetHeight}px`);
    explorers.forEach(placePanel);
  };
  addEventListener("resize", measure);
  measure();
  followLayers(jump);
  for (const place of places) buildWhenNear.observe(place);
}

chooseTheme();
followLinks();
if ("DecompressionStream" in window) begin();
