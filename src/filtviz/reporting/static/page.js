// Where the script begins: the page's choices, and layers that come to life when they are about to be seen.

const choices = { scale: "layer", size: 1 };
const explorers = [];
const BUILD_AHEAD = "1000px";

const buildWhenNear = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      buildWhenNear.unobserve(target);
      buildExplorer(target).then((explorer) => explorers.push(explorer));
    }
  },
  { rootMargin: BUILD_AHEAD },
);

function begin() {
  const places = document.querySelectorAll(".explorer");
  document.getElementById("toolbar").hidden = places.length === 0;
  const [scale, size, theme] = ["scale", "size", "theme"].map((id) => document.getElementById(id));
  scale.addEventListener("change", () => {
    choices.scale = scale.value;
    explorers.forEach(redraw);
  });
  size.addEventListener("input", () => {
    choices.size = Number(size.value);
    explorers.forEach(redraw);
  });
  theme.addEventListener("change", () => {
    document.documentElement.dataset.theme = theme.value;
  });
  for (const place of places) buildWhenNear.observe(place);
}

if ("DecompressionStream" in window) begin();
