// Unpacks the transcripts and searches them. `keeper` runs in a worker, made from its own text; where there is no worker, on the page.
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
  const search = (wanted) => {
    const found = [];
    chunks.forEach((chunk, c) => chunk.joined.forEach((text, k) => {
      if (!text.includes(wanted)) return;
      const [question, ...answers] = chunk.texts[k].map((t) => t.includes(wanted));
      const models = chunk.samples[k].answers.filter((_, a) => answers[a]).map((a) => a.model);
      if (question || models.length > 0) found.push({ c, k, models });
    }));
    return found;
  };
  const handle = async (job) => {
    if (job.packed !== undefined && !chunks[job.chunk]) chunks[job.chunk] = await unpack(job.packed);
    if (job.open !== undefined) return chunks[job.chunk].samples[job.open];
    return job.search === undefined ? null : search(job.search);
  };
  let queue = Promise.resolve();
  port.onmessage = ({ data }) => {
    queue = queue.then(() => handle(data)).then((done) => port.postMessage({ job: data.job, done }), (error) => port.postMessage({ job: data.job, error: String(error) }));
  };
};

const store = (() => {
  const packed = Array.from(document.querySelectorAll("script.chunk"));
  const sent = packed.map(() => null);
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
  const send = (chunk) => sent[chunk] ??= ask({ chunk, packed: packed[chunk].textContent });
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
})();
