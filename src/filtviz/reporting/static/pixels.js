// From the PNG in the page to grey levels. A canvas would give 8 bits only, and in some browsers altered ones.

const SIGNATURE_LENGTH = 8;

/** Decode a grey PNG of 8 or 16 bits, not interlaced: `{width, height, levels}`, levels row by row. */
async function decodeSprite(image) {
  const bytes = bytesOf(image.src);
  const header = { width: 0, height: 0, depth: 0 };
  const packed = [];
  for (const { type, content } of chunksOf(bytes)) {
    if (type === "IHDR") Object.assign(header, readHeader(content));
    if (type === "IDAT") packed.push(content);
  }
  const raw = await inflate(packed);
  return { width: header.width, height: header.height, levels: unfilter(raw, header) };
}

function bytesOf(url) {
  const text = atob(url.slice(url.indexOf(",") + 1));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function* chunksOf(bytes) {
  const view = new DataView(bytes.buffer);
  for (let at = SIGNATURE_LENGTH; at < bytes.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    yield { type, content: bytes.subarray(at + 8, at + 8 + length) };
    at += length + 12;
  }
}

function readHeader(content) {
  const view = new DataView(content.buffer, content.byteOffset);
  return { width: view.getUint32(0), height: view.getUint32(4), depth: view.getUint8(8) };
}

async function inflate(packed) {
  const stream = new Blob(packed).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Undo the filter that each row of a PNG begins with (PNG specification, section 9). */
function unfilter(raw, { width, height, depth }) {
  const step = depth / 8;
  const stride = width * step;
  const rows = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    const row = y * stride;
    for (let x = 0; x < stride; x++) {
      const left = x >= step ? rows[row + x - step] : 0;
      const up = y > 0 ? rows[row - stride + x] : 0;
      const corner = x >= step && y > 0 ? rows[row - stride + x - step] : 0;
      const guess = [0, left, up, (left + up) >> 1, filter === 4 ? paeth(left, up, corner) : 0][filter];
      rows[row + x] = raw[y * (stride + 1) + 1 + x] + guess;
    }
  }
  if (depth === 8) return rows;
  return Uint16Array.from({ length: width * height }, (_, i) => (rows[2 * i] << 8) | rows[2 * i + 1]);
}

function paeth(left, up, corner) {
  const estimate = left + up - corner;
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(estimate - value));
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
