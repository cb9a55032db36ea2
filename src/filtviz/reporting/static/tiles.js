// The tiles of a layer: one for each filter, drawn when seen, sorted, chosen, moved through with the arrow keys.

const TILES = { narrow: 52, few: 96, many: 60 }; // pixels of a side at size 1
const FEW = 32; // pictures that are drawn larger where there is room
const GAP = 5; // pixels between two pictures of a tile
const LEAST_ZOOM = [4, 2]; // pixels of a weight, in tiles of few weights and of many
const MANY_WEIGHTS = 40; // of a side
const DRAW_AHEAD = "400px";

const drawWhenSeen = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      drawWhenSeen.unobserve(target);
      target.draw();
    }
  },
  { rootMargin: DRAW_AHEAD },
);

/** Build the controls, tiles and panel of a layer from the page's template. */
async function buildExplorer(place) {
  const data = JSON.parse(document.getElementById(`${place.dataset.anchor}-data`).textContent);
  for (const pictures of data.pictures) {
    const images = pictures.sprites.map(({ id }) => document.getElementById(id));
    pictures.decoded = await Promise.all(images.map(decodeSprite));
  }
  const content = document.getElementById("explorer").content.cloneNode(true);
  const find = (role) => content.querySelector(`[data-role="${role}"]`);
  const explorer = {
    data,
    kernels: data.pictures.find(({ key }) => key === "kernels"),
    through: data.pictures.find(({ key }) => key === "through"),
    channel: 0,
    chosen: 0,
    side: NARROW.matches ? TILES.narrow : data.filters * data.files.length <= FEW ? TILES.few : TILES.many,
    controls: content.querySelector(".controls"),
    tiles: find("tiles"),
    panel: find("panel"),
    picture: find("picture"),
    sort: find("sort"),
    badge: find("badge"),
    beside: find("beside"),
    count: find("count"),
    legend: find("legend"),
    notes: find("notes"),
  };
  explorer.controls.setAttribute("aria-label", `Choices for ${data.label}`);
  explorer.tiles.setAttribute("aria-label", `Filters of ${data.label}`);
  explorer.panel.setAttribute("aria-label", `The chosen filter of ${data.label}`);
  fillChoices(explorer);
  listen(explorer);
  place.replaceChildren(content);
  place.closest(".layer").classList.add("live"); // which hides the pictures that need no script
  arrange(explorer);
  return explorer;
}

function fillChoices({ data, through, picture, sort, badge, beside }) {
  for (const [i, pictures] of data.pictures.entries()) {
    const group = make("optgroup", { label: pictures.title });
    const add = (value, text) => group.append(make("option", { value: `${i}:${value}` }, text));
    if (pictures.coloured) add("colour", "in colour");
    if (pictures.key !== "summary" && pictures.columns.length > 1) add("all", "all channels");
    pictures.columns.forEach((title, column) => add(column, title));
    picture.append(group);
  }
  sort.append(make("option", { value: "" }, "index"));
  sort.append(...data.columns.map(({ title }, i) => make("option", { value: i }, title)));
  badge.append(make("option", { value: "" }, "all filters"));
  data.badges.forEach(({ meaning }, i) => {
    const n = filtersWith(data, i).length;
    if (n) badge.append(make("option", { value: i }, `${meaning} (${n})`));
  });
  beside.closest("label").hidden = !through;
  if (through && NARROW.matches) {
    beside.checked = false; // one picture a tile, the one that shows most
    picture.value = `${data.pictures.indexOf(through)}:${simplest(through)}`;
  }
}

function indicesOf({ filters }) {
  return Array.from({ length: filters }, (_, i) => i);
}

function filtersWith(data, badge) {
  return indicesOf(data).filter((filter) => data.marks.some((file) => file[filter].includes(badge)));
}

function listen(explorer) {
  const { picture, sort, badge, beside, tiles, panel } = explorer;
  for (const control of [picture, beside]) {
    control.addEventListener("change", () => steadily(() => redraw(explorer)));
  }
  for (const control of [sort, badge]) {
    control.addEventListener("change", () => {
      arrange(explorer);
      backToTiles(explorer);
    });
  }
  for (const kind of ["focusin", "click"]) {
    tiles.addEventListener(kind, ({ target }) => {
      const tile = target.closest(".tile");
      if (!tile) return;
      choose(explorer, tile);
      openPanel(explorer, tile);
    });
  }
  tiles.addEventListener("pointerover", ({ target, pointerType }) => {
    const tile = target.closest(".tile");
    if (tile && pointerType !== "touch" && !NARROW.matches) showFilter(explorer, tile.filter);
  });
  tiles.addEventListener("pointerleave", () => {
    if (!NARROW.matches) showFilter(explorer, explorer.chosen);
  });
  tiles.addEventListener("keydown", (event) => moveFocus(event, tiles));
  for (const part of [tiles, panel]) {
    part.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") closePanel(explorer);
    });
  }
}

/** Put the tiles in order, leaving out those without the badge that was asked for. */
function arrange(explorer) {
  const { data, sort, badge, tiles, count } = explorer;
  const indices = badge.value === "" ? indicesOf(data) : filtersWith(data, Number(badge.value));
  if (sort.value !== "") indices.sort(byColumn(data.columns[Number(sort.value)]));
  tiles.replaceChildren(...indices.map((filter) => makeTile(explorer, filter)));
  [...tiles.children].forEach((tile, place) => {
    tile.style.order = 2 * place; // an odd place is the panel's
  });
  explorer.panel.classList.remove("open");
  count.textContent = `${indices.length} of ${data.filters} filters`;
  choose(explorer, tiles.firstElementChild);
  redraw(explorer);
}

/** Compare filters by a measure in the last file, those without a number last. */
function byColumn({ values, ascending }) {
  const last = values[values.length - 1];
  return (a, b) => {
    if (last[a] === null || last[b] === null) return (last[a] === null) - (last[b] === null) || a - b;
    return (ascending ? last[a] - last[b] : last[b] - last[a]) || a - b;
  };
}

function makeTile(explorer, filter) {
  const { data } = explorer;
  const marked = new Set(data.marks.flatMap((file) => file[filter]));
  const marks = data.badges.filter((_, mark) => marked.has(mark));
  const norm = data.columns.find(({ title }) => title === "norm");
  const label = [`Filter ${filter}`];
  if (norm) label.push(`norm ${norm.values.map((file) => written(file[filter])).join(", ")}`);
  label.push(...marks.map(({ meaning }) => meaning));
  const tile = make("div", { class: "tile", role: "option", tabindex: "-1", "aria-selected": "false" });
  tile.setAttribute("aria-label", label.join(", "));
  tile.filter = filter;
  tile.append(make("span", { class: "canvases" }), make("span", { class: "index" }, `${filter}`));
  tile.append(...marks.map(({ text }) => make("span", { class: "badge" }, text)));
  tile.draw = () => drawTile(explorer, tile);
  return tile;
}

/** What a tile shows for each file: sets of pictures, each with a column of it, a word, or a number. */
function jobsOf({ data, through, picture, beside }) {
  const [set, column] = picture.value.split(":");
  const main = data.pictures[Number(set)];
  const jobs = [[main, /\d/.test(column) ? Number(column) : column]];
  if (through && beside.checked && main !== through) jobs.push([through, simplest(through)]);
  return jobs;
}

function drawTile(explorer, tile) {
  const { data, picture } = explorer;
  const jobs = jobsOf(explorer);
  const sizes = sizesOf(explorer);
  const canvases = data.files.flatMap((_, file) =>
    jobs.map(([pictures, each], i) => {
      const canvas = make("canvas", { "aria-hidden": "true" });
      paintFilter(canvas, pictures, file, tile.filter, each, choices.scale);
      [canvas.style.width, canvas.style.height] = sizes[i].map((length) => `${length}px`);
      return canvas;
    }),
  );
  tile.firstElementChild.replaceChildren(...canvases);
  const [[main, column]] = jobs;
  const shares = typeof column === "number" ? main.shares.map((file) => file[tile.filter][column]) : [];
  const known = shares.filter((share) => share !== null).map((share) => `${Math.round(100 * share)} %`);
  tile.children[1].textContent = [tile.filter, ...known].join(" · ");
}

/** The width and height of each picture of a tile, all of a layer alike; what stands beside one is as large. */
function sizesOf(explorer) {
  let side = explorer.side * choices.size;
  return jobsOf(explorer).map(([pictures, column]) => {
    const [width, height] = shapeOf(pictures, column);
    const least = LEAST_ZOOM[width > MANY_WEIGHTS ? 1 : 0] * width * choices.size;
    const zoom = Math.max(1, Math.floor(Math.max(side, least) / width));
    side = Math.max(side, width * zoom);
    return [width * zoom, height * zoom];
  });
}

/** Keep the room of the pictures before they are drawn, so that nothing moves when they are. */
function reserve(explorer) {
  const { data, tiles } = explorer;
  const sizes = data.files.flatMap(() => sizesOf(explorer));
  const room = tiles.parentElement.clientWidth - 12;
  const rows = [];
  for (const [width, height] of sizes) {
    const row = rows[rows.length - 1];
    if (row && row[0] + GAP + width <= room) rows[rows.length - 1] = [row[0] + GAP + width, Math.max(row[1], height)];
    else rows.push([width, height]);
  }
  const [widest, high] = [Math.max(...rows.map(([w]) => w)), rows.reduce((sum, [, h]) => sum + h + GAP, -GAP)];
  tiles.style.setProperty("--wide", `${Math.min(widest, room)}px`);
  tiles.style.setProperty("--high", `${high}px`);
}

function simplest({ coloured, columns }) {
  if (coloured) return "colour";
  return columns.length > 1 ? "all" : 0;
}

function legendOf({ limit }, column, through) {
  const zero = column === "colour" ? "mid grey" : "white";
  const composed = through && limit !== through.limit ? ` (composed: ±${written(through.limit)})` : "";
  return {
    layer: `from −${written(limit)} to ${written(limit)}${composed}, 0 in ${zero}; one scale for the layer`,
    filter: `from minus to plus the largest weight of each filter, 0 in ${zero}`,
    kernel: `from minus to plus the largest weight of each kernel, 0 in ${zero}`,
    nolearn:
      "each kernel from its lowest weight in black to its highest in white: noise looks as strong as signal",
  }[column === "colour" && choices.scale !== "layer" ? "filter" : choices.scale];
}

/** Draw all tiles anew, each when it is seen. */
function redraw(explorer) {
  const { tiles, legend, notes, data, picture, beside, through } = explorer;
  reserve(explorer);
  for (const tile of tiles.children) {
    drawWhenSeen.unobserve(tile);
    drawWhenSeen.observe(tile);
  }
  const [set, column] = picture.value.split(":");
  const main = data.pictures[Number(set)];
  const besides = through && beside.checked ? through : main;
  legend.textContent = legendOf(main, column, through);
  const order = data.files.length > 1 ? [`in each tile, from the left: ${data.files.join(", ")}`] : [];
  notes.textContent = [...new Set([...order, ...main.notes, ...besides.notes])].join("; ");
  legend.parentElement.classList.toggle("grey", choices.scale === "nolearn");
  legend.parentElement.classList.toggle("coloured", column === "colour");
  showFilter(explorer, explorer.chosen);
}

/** Mark a tile as the chosen one, which the Tab key reaches. */
function choose(explorer, tile) {
  if (!tile || (tile.filter === explorer.chosen && tile.tabIndex === 0)) return;
  for (const other of explorer.tiles.querySelectorAll('[tabindex="0"]')) {
    other.tabIndex = -1;
    other.setAttribute("aria-selected", "false");
  }
  tile.tabIndex = 0;
  tile.setAttribute("aria-selected", "true");
  explorer.chosen = tile.filter;
  showFilter(explorer, tile.filter);
}

/** Move the focus as in a grid: left and right by one, up and down by a row, Home and End to the ends. */
function moveFocus(event, tiles) {
  const all = [...tiles.children];
  const here = all.indexOf(document.activeElement);
  const row = all.findIndex((tile) => tile.offsetTop > all[0].offsetTop);
  const across = row < 0 ? all.length : row;
  const steps = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -across,
    ArrowDown: across,
    Home: -here,
    End: all.length - 1 - here,
  };
  if (here < 0 || !(event.key in steps)) return;
  event.preventDefault();
  all[here + steps[event.key]]?.focus();
}
