// The panel beside the tiles: all that is known of one filter.

const MOST_WEIGHTS = 169; // of a kernel whose numbers are written out
const LARGE = 144; // pixels of a side of the large picture

/** Make an element with attributes and children; texts become text nodes, never markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function written(value, digits = 3) {
  if (value === null || Number.isNaN(value)) return value === null ? "–" : "not finite";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e5) return value.toExponential(digits - 1);
  return value.toPrecision(digits);
}

function measureLink(title, measure) {
  return measure ? make("a", { href: `#measure-${measure}` }, title) : title;
}

/** Show a filter in the panel of an explorer. */
function showFilter(explorer, filter) {
  const { data, panel } = explorer;
  const parts = [head(explorer, filter), ...marksOf(data, filter)];
  if (explorer.through) parts.push(composedOf(explorer, filter));
  if (explorer.kernels) parts.push(...kernelsOf(explorer, filter));
  panel.replaceChildren(...parts, numbersOf(explorer, filter));
}

function head(explorer, filter) {
  const close = make("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
  close.addEventListener("click", () => closePanel(explorer));
  return make("div", { class: "head" }, make("h4", {}, `Filter ${filter}`), close);
}

function marksOf(data, filter) {
  return data.files.flatMap((file, i) => {
    const badges = data.marks[i][filter].map((mark) => data.badges[mark]);
    const remark = data.remarks[i][filter];
    if (!badges.length && !remark) return [];
    const list = make("ul", { class: "marked" });
    for (const badge of badges) list.append(make("li", {}, measureLink(badge.meaning, badge.measure)));
    if (remark) list.append(make("li", {}, remark));
    return data.files.length > 1 ? [make("p", { class: "note" }, file), list] : [list];
  });
}

/** A table of what was measured, a column for each file. */
function numbersOf(explorer, filter) {
  const { data } = explorer;
  const rows = data.columns.map(({ title, measure, values }) => [
    measureLink(title, measure),
    ...values.map((file) => written(file[filter])),
  ]);
  if (explorer.kernels) {
    const ranges = data.files.map((_, i) => rangeOf(channelsOf(explorer, i, filter)));
    rows.push(["lowest weight", ...ranges.map(([low]) => written(low))]);
    rows.push(["highest weight", ...ranges.map(([, high]) => written(high))]);
  }
  const table = make("table", { class: "numbers" }, make("caption", { class: "unseen" }, `Numbers of filter ${filter}`));
  if (data.files.length > 1) {
    const heads = ["", ...data.files].map((text) => make("th", { scope: "col" }, text || "number"));
    table.append(make("thead", {}, make("tr", {}, ...heads)));
  }
  const body = make("tbody");
  for (const [title, ...values] of rows) {
    body.append(
      make("tr", {}, make("th", { scope: "row" }, title), ...values.map((text) => make("td", {}, text))),
    );
  }
  table.append(body);
  return table;
}

function channelsOf({ kernels }, file, filter) {
  return kernels.columns.map((_, channel) => kernelOf(kernels, file, filter, channel));
}

/** The filter composed with the layers below, large, in each of the files. */
function composedOf({ through, data }, filter) {
  const canvases = data.files.map((_, file) => {
    const canvas = make("canvas", { "aria-hidden": "true" });
    paintFilter(canvas, through, file, filter, simplest(through), choices.scale);
    enlarge(canvas, LARGE);
    return canvas;
  });
  return make("figure", { class: "composed" }, ...canvases, make("figcaption", {}, "Seen through the layers below"));
}

/** The kernel of one channel, large and in numbers, with a choice of the channel. */
function kernelsOf(explorer, filter) {
  const { kernels, data } = explorer;
  const place = make("div", { class: "kernels" });
  const fill = () => {
    const shown = data.files.map((file, i) =>
      kernelFigure(explorer, filter, i, data.files.length > 1 ? file : ""),
    );
    place.replaceChildren(...shown);
  };
  fill();
  if (kernels.columns.length === 1) return [place];
  const select = make("select");
  select.append(...kernels.columns.map((title, i) => make("option", { value: i }, title)));
  select.value = explorer.channel;
  select.addEventListener("change", () => {
    explorer.channel = Number(select.value);
    fill();
  });
  return [make("label", {}, "Kernel of ", select), place];
}

function kernelFigure(explorer, filter, file, name) {
  const { kernels, channel } = explorer;
  const canvas = make("canvas", { "aria-hidden": "true" });
  paintFilter(canvas, kernels, file, filter, channel, choices.scale);
  enlarge(canvas, LARGE);
  const title = `Filter ${filter}, ${kernels.columns[channel]}${name ? `, ${name}` : ""}`;
  const figure = make("figure", {}, canvas);
  if (kernels.rows * kernels.cols <= MOST_WEIGHTS)
    figure.append(weightsTable(kernels, file, filter, channel, title));
  else figure.append(make("figcaption", {}, title));
  return figure;
}

function weightsTable(kernels, file, filter, channel, title) {
  const { rows, cols } = kernels;
  const digits = kernels.sprites[file].zero > 255 ? 4 : 2;
  const weights = kernelOf(kernels, file, filter, channel);
  const heads = Array.from({ length: cols }, (_, x) => make("th", { scope: "col" }, `${x}`));
  const table = make("table", { class: "weights" }, make("caption", {}, title));
  table.append(make("thead", {}, make("tr", {}, make("td"), ...heads)));
  const body = make("tbody");
  for (let y = 0; y < rows; y++) {
    const cells = Array.from({ length: cols }, (_, x) =>
      make("td", {}, written(weights[y * cols + x], digits)),
    );
    body.append(make("tr", {}, make("th", { scope: "row" }, `${y}`), ...cells));
  }
  table.append(body);
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": title }, table);
}

/** Scale a canvas up by a whole number, to about so many pixels. */
function enlarge(canvas, side) {
  const zoom = Math.max(1, Math.floor(side / canvas.width));
  canvas.style.width = `${canvas.width * zoom}px`;
  canvas.style.height = `${canvas.height * zoom}px`;
}
