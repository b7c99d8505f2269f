// Data that is too much to read at once: gzip in base64 in <script type="text/plain">, unpacked when it is asked for.

const parsed = new Promise((resolve) => {
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", resolve, { once: true });
  else resolve();
});

async function unpack(id) {
  if (!document.getElementById(id)) await parsed; // the page may still be on its way
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

const KEPT_CHUNKS = 6;

class Store {
  constructor({ name, size, chunks }) {
    Object.assign(this, { name, size, chunks, kept: new Map() });
  }

  async index() {
    return JSON.parse(await unpack(`${this.name}-index`));
  }

  async text(chunk) {
    return unpack(`${this.name}-${chunk}`);
  }

  async chunk(number) {
    const had = this.kept.get(number);
    if (had) return had;
    const records = JSON.parse(await this.text(number));
    this.kept.set(number, records);
    if (this.kept.size > KEPT_CHUNKS) this.kept.delete(this.kept.keys().next().value);
    return records;
  }

  async record(place) {
    return (await this.chunk(Math.floor(place / this.size)))[place % this.size];
  }

  /** Looks for text in whole records; tells of every chunk which places have it. Stops when `alive` says no. */
  async search(query, tell, alive) {
    for (let number = 0; number < this.chunks; number += 1) {
      const text = await this.text(number);
      if (!alive()) return;
      const places = [];
      // Quotes and line breaks are escaped in JSON, so a chunk is read as records before it is searched.
      JSON.parse(text).forEach((record, at) => {
        if (strings(record.mag || record).some((each) => each.toLowerCase().includes(query))) places.push(number * this.size + at);
      });
      tell(places, (number + 1) / this.chunks);
    }
  }
}

/** A store of records that come while one looks: columns of the index, and records as the text that they came as. */
class Growing {
  constructor() {
    Object.assign(this, { columns: {}, records: [] });
  }

  add(rows, records) {
    for (const [name, values] of Object.entries(rows)) (this.columns[name] ||= []).push(...values);
    this.records.push(...records);
  }

  async index() {
    return this.columns;
  }

  async record(place) {
    return JSON.parse(this.records[place]);
  }

  async search(query, tell, alive) {
    const places = this.records.flatMap((text, at) => (strings(JSON.parse(text).mag).some((each) => each.toLowerCase().includes(query)) ? [at] : []));
    if (alive()) tell(places, 1);
  }
}

function strings(value) {
  if (typeof value === "string") return [value];
  return value && typeof value === "object" ? Object.values(value).flatMap(strings) : [];
}
