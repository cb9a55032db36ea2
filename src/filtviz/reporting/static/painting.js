// From grey levels to weights, and from weights to the colours of a tile.

const PALETTE = JSON.parse(document.getElementById("palette").textContent);
const [NOT_FINITE, ZERO, SPAN] = [1, 129, 126];

/** The weights of one kernel, row by row; NaN where one is not finite. */
function kernelOf(pictures, file, filter, column) {
  const { rows, cols, across, gap, columns } = pictures;
  const { zero, unit } = pictures.sprites[file];
  const { width, levels } = pictures.decoded[file];
  const place = filter * columns.length + column;
  const top = Math.floor(place / across) * (rows + gap);
  const left = (place % across) * (cols + gap);
  const lowest = zero - SPAN * (zero / ZERO);
  const kernel = new Float64Array(rows * cols);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < cols; x++) {
      const level = levels[(top + y) * width + left + x];
      kernel[y * cols + x] = level < lowest ? NaN : (level - zero) * unit;
    }
  }
  return kernel;
}

function rangeOf(kernels) {
  let [low, high] = [Infinity, -Infinity];
  for (const kernel of kernels) {
    for (const weight of kernel) {
      if (weight < low) low = weight;
      if (weight > high) high = weight;
    }
  }
  return low <= high ? [low, high] : [0, 0];
}

function largestOf(kernels) {
  const [low, high] = rangeOf(kernels);
  return Math.max(-low, high);
}

/** The width and height of what `paintFilter` draws, in weights. */
function shapeOf({ rows, cols, columns }, column) {
  if (column !== "all") return [cols, rows];
  const across = Math.ceil(Math.sqrt(columns.length));
  return [across * (cols + 1) - 1, Math.ceil(columns.length / across) * (rows + 1) - 1];
}

/** Draw one filter: a channel, all of them side by side, or three as red, green and blue. */
function paintFilter(canvas, pictures, file, filter, column, scale) {
  const all = pictures.columns.map((_, i) => i);
  const shown = typeof column === "number" ? [column] : all;
  const kernels = shown.map((each) => kernelOf(pictures, file, filter, each));
  const whole = scale === "filter" ? all.map((each) => kernelOf(pictures, file, filter, each)) : kernels;
  const shared = scale === "layer" ? pictures.limit : largestOf(whole);
  if (column === "colour") {
    paintColour(canvas, pictures, kernels, scale === "nolearn" ? largestOf(kernels) : shared);
    return;
  }
  const across = Math.ceil(Math.sqrt(kernels.length));
  const [pitchY, pitchX] = [pictures.rows + 1, pictures.cols + 1];
  [canvas.width, canvas.height] = shapeOf(pictures, kernels.length > 1 ? "all" : 0);
  const image = new ImageData(canvas.width, canvas.height);
  kernels.forEach((kernel, i) => {
    const colourOf = colouring(kernel, shared, scale);
    const [top, left] = [Math.floor(i / across) * pitchY, (i % across) * pitchX];
    kernel.forEach((weight, j) => {
      const at = (top + Math.floor(j / pictures.cols)) * canvas.width + left + (j % pictures.cols);
      image.data.set([...colourOf(weight), 255], 4 * at);
    });
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** A function from a weight to its colour. */
function colouring(kernel, shared, scale) {
  if (scale === "nolearn") {
    const [low, high] = rangeOf([kernel]);
    return (weight) => {
      if (Number.isNaN(weight)) return PALETTE[NOT_FINITE];
      const grey = high > low ? Math.min(255, Math.floor(((weight - low) / (high - low)) * 256)) : 0;
      return [grey, grey, grey];
    };
  }
  const limit = scale === "kernel" ? largestOf([kernel]) : shared;
  return (weight) => {
    if (Number.isNaN(weight)) return PALETTE[NOT_FINITE];
    const share = limit > 0 ? Math.max(-1, Math.min(1, weight / limit)) : 0;
    return PALETTE[ZERO + Math.round(share * SPAN)];
  };
}

/** Three channels as one picture, zero at mid grey. */
function paintColour(canvas, pictures, kernels, limit) {
  canvas.width = pictures.cols;
  canvas.height = pictures.rows;
  const image = new ImageData(canvas.width, canvas.height);
  kernels[0].forEach((_, i) => {
    const weights = kernels.map((kernel) => kernel[i]);
    const colour = weights.some(Number.isNaN)
      ? PALETTE[NOT_FINITE]
      : weights.map((weight) => Math.round(127.5 + (limit > 0 ? (127.5 * weight) / limit : 0)));
    image.data.set([...colour, 255], 4 * i);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}
