// Where transcripts are kept: packed, in the page or in files beside it. `keeper` unpacks and searches them; it runs in a worker, made from its own text;
// where there is no worker, on the page.
const index = JSON.parse($("index").textContent);
const keeper = (port) => {
  const chunks = [];
  const unpack = async (packed) => {
    const binary = atob(packed);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const samples = await new Response(stream).json();
    // What is searched: the question first, then every answer.
    const texts = samples.map((sample) => [sample.id + "\n" + sample.prompt, ...sample.answers.map((a) => a.answer || "")].map((t) => t.toLowerCase()));
    return { samples, texts, joined: texts.map((t) => t.join("\n")) };
  };
  const searchIn = (chunk, c, wanted) => chunk.joined.flatMap((text, k) => {
    if (!text.includes(wanted)) return [];
    const [question, ...answers] = chunk.texts[k].map((t) => t.includes(wanted));
    const models = chunk.samples[k].answers.filter((_, a) => answers[a]).map((a) => a.model);
    return question || models.length > 0 ? [{ c, k, models }] : [];
  });
  const handle = async ({ chunk, packed, open, search, look, forget }) => {
    if (look !== undefined) return searchIn(await unpack(packed), chunk, look);
    if (forget !== undefined) delete chunks[forget];
    if (packed !== undefined && !chunks[chunk]) chunks[chunk] = await unpack(packed);
    if (open !== undefined) return chunks[chunk].samples[open];
    return search === undefined ? null : chunks.flatMap((own, c) => searchIn(own, c, search));
  };
  let queue = Promise.resolve();
  port.onmessage = ({ data }) => {
    queue = queue.then(() => handle(data)).then((done) => port.postMessage({ job: data.job, done }), (error) => port.postMessage({ job: data.job, error: String(error) }));
  };
};

// Chunks that the page holds: all are unpacked in idle time, and then searched in one go.
const ownStore = (ask, packed) => {
  const sent = packed.map(() => null);
  const send = (chunk) => sent[chunk] ??= ask({ chunk, packed: packed[chunk] });
  const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 20));
  const pump = (chunk) => {
    if (chunk < packed.length) idle(() => send(chunk).then(() => pump(chunk + 1)));
    else document.documentElement.dataset.searchable = "yes";
  };
  pump(0);
  return {
    // A sample with all its answers.
    open: async (entry) => { await send(entry.c); return ask({ chunk: entry.c, open: entry.k }); },
    // Which samples hold the words, and in whose answers.
    search: async (wanted) => { packed.forEach((_, chunk) => send(chunk)); return ask({ search: wanted }); },
  };
};

// A file beside the page is a script that gives its text to `candorFile`: where there is no server nothing else can be read.
const waitingFiles = new Map();
window.candorFile = (name, text) => { waitingFiles.get(name)?.(text); waitingFiles.delete(name); };
const readFile = (name) => new Promise((resolve, reject) => {
  const src = encodeURIComponent(index.folder) + "/" + name + ".js";
  const script = make("script", { src, on: { error: () => reject(new Error(say("file-missing", { name: src }))) } });
  waitingFiles.set(name, (text) => { script.remove(); resolve(text); });
  document.head.append(script);
});
const unpacked = async (text) => new Response(new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]).stream().pipeThrough(new DecompressionStream("gzip"))).json();

// Chunks in files beside the page: read when they are opened, a few kept; a search reads one after the other.
const folderStore = (ask, files) => {
  const MOST_KEPT = 8;
  const kept = new Map();
  const send = (chunk) => {
    const sent = kept.get(chunk) ?? readFile(String(chunk)).then((packed) => ask({ chunk, packed }));
    kept.delete(chunk);
    kept.set(chunk, sent);
    if (kept.size > MOST_KEPT) {
      const [oldest] = kept.keys();
      kept.delete(oldest);
      ask({ forget: oldest });
    }
    return sent;
  };
  return {
    open: async (entry) => { await send(entry.c); return ask({ chunk: entry.c, open: entry.k }); },
    search: async (wanted, isWanted) => {
      const found = [];
      let next = readFile("0");
      for (let chunk = 0; chunk < files && isWanted(); chunk++) {
        const packed = await next;
        if (chunk + 1 < files) next = readFile(String(chunk + 1));
        found.push(...await ask({ chunk, packed, look: wanted }));
        $("count").textContent = say("searching", { n: Math.round(100 * (chunk + 1) / files) });
      }
      return found;
    },
  };
};

const store = (() => {
  const waiting = new Map();
  let jobs = 0;
  const answered = ({ data }) => {
    const { resolve, reject } = waiting.get(data.job);
    waiting.delete(data.job);
    if (data.error) reject(new Error(data.error)); else resolve(data.done);
  };
  const connect = () => {
    try {
      const worker = new Worker(URL.createObjectURL(new Blob(["(" + keeper + ")(self)"], { type: "text/javascript" })));
      worker.onmessage = answered;
      return worker;
    } catch {
      const port = { postMessage: (data) => answered({ data }) };
      keeper(port);
      return { postMessage: (data) => port.onmessage({ data }) };
    }
  };
  const worker = connect();
  const ask = (job) => new Promise((resolve, reject) => {
    job.job = ++jobs;
    waiting.set(job.job, { resolve, reject });
    worker.postMessage(job);
  });
  const inPage = Array.from(document.querySelectorAll("script.chunk"));
  return index.files === undefined ? ownStore(ask, inPage.map((chunk) => chunk.textContent)) : folderStore(ask, index.files);
})();
