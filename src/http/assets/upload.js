// Sends a file from a form that already works without it: drag and drop, progress, a button that cancels, and for large files the tus
// protocol, so that a cut connection or a reloaded page costs nothing of what has arrived.
"use strict";

{
  const NBSP = "\u00a0";
  const TUS = "1.0.0";
  const PREFIX = "retex-upload:";
  /** As long as the hub waits for the next byte. */
  const KEPT = 24 * 3600 * 1000;
  /** Tries without one byte more before the person is asked. */
  const TRIES = 8;

  const size = (n) => (n < 1e6 ? Math.max(1, Math.round(n / 1e3)) + NBSP + "Ko" : (n / 1e6).toFixed(1).replace(".", ",") + NBSP + "Mo");

  /** What the person can only be told; `again` where another try may help. */
  class Refused extends Error {
    constructor(message, { again = false, status = 0 } = {}) {
      super(message);
      Object.assign(this, { again, status });
    }
  }

  /** One request: resolves with its answer, whatever the status; rejects where there is none, or where `signal` aborts it. */
  const ask = (method, url, { headers = {}, body = null, signal, sent } = {}) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const stop = () => request.abort();
      const end = (act) => () => { signal?.removeEventListener("abort", stop); act(); };
      request.open(method, url);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      if (sent) {
        request.upload.addEventListener("progress", (p) => sent(p.loaded, p.total));
        request.upload.addEventListener("load", () => sent(null));
      }
      request.addEventListener("load", end(() => resolve(request)));
      // A page that is left aborts its requests too: that takes nothing back.
      const lost = () => reject(signal?.aborted ? new DOMException("", "AbortError") : new Refused("La connexion est coupée.", { again: true }));
      for (const event of ["abort", "error", "timeout"]) request.addEventListener(event, end(lost));
      if (signal?.aborted) { reject(new DOMException("", "AbortError")); return; }
      signal?.addEventListener("abort", stop);
      request.send(body);
    });

  const wait = (seconds, signal) =>
    new Promise((resolve, reject) => {
      const over = () => { clearTimeout(timer); removeEventListener("online", over); signal.removeEventListener("abort", stop); };
      const stop = () => { over(); reject(new DOMException("", "AbortError")); };
      const timer = setTimeout(() => { over(); resolve(); }, seconds * 1000);
      addEventListener("online", () => { over(); resolve(); }, { once: true });
      signal.addEventListener("abort", stop);
    });

  /** What this browser remembers of unfinished uploads; one that remembers nothing starts again from the beginning. */
  const memory = {
    read(key) { try { return JSON.parse(localStorage.getItem(key))?.url; } catch { return undefined; } },
    keep(key, url) { try { localStorage.setItem(key, JSON.stringify({ url, at: Date.now() })); } catch { /* full, or closed to us */ } },
    forget(key) { try { localStorage.removeItem(key); } catch { /* closed to us */ } },
    tidy() {
      try {
        for (const key of Object.keys(localStorage).filter((k) => k.startsWith(PREFIX))) {
          const at = JSON.parse(localStorage.getItem(key))?.at;
          if (!(Date.now() - at < KEPT)) localStorage.removeItem(key);
        }
      } catch { /* closed to us */ }
    },
  };

  const base64 = (text) => btoa(Array.from(new TextEncoder().encode(text), (b) => String.fromCharCode(b)).join(""));

  /** A file sent in pieces. */
  class Resumable {
    constructor({ file, target, csrf, start, chunk, signal, say, sent }) {
      Object.assign(this, { file, target, csrf, start, chunk, signal, say, sent });
      this.key = `${PREFIX}${target}|${file.name}|${file.size}|${file.lastModified}`;
      this.url = memory.read(this.key);
      this.offset = null;
    }

    request(method, url, headers, body, sent) {
      return ask(method, url, { headers: { "Tus-Resumable": TUS, "X-CSRF-Token": this.csrf, ...headers }, body, signal: this.signal, sent });
    }

    /** Sends what is missing, again and again after a cut; gives the deposit that the file became. */
    async run() {
      for (let tries = 0; ; ) {
        const before = this.offset;
        try {
          const done = (await this.find()) ?? (await this.piece());
          if (done) { memory.forget(this.key); return done; }
          if (this.offset > before) tries = 0;
        } catch (error) {
          if (!(error instanceof Refused && error.again) || ++tries > TRIES) throw error;
          const seconds = Math.min(30, 2 ** (tries - 1));
          this.say(`${error.message} Nouvel essai dans ${seconds}${NBSP}s, à partir de ce qui est déjà arrivé.`);
          await wait(seconds, this.signal);
          this.say("Reprise de l'envoi…");
          this.offset = null;
        }
      }
    }

    /** Where the upload stands, or a new one. */
    async find() {
      if (this.offset !== null) return undefined;
      if (this.url) {
        const answer = await this.request("HEAD", this.url, {});
        if (answer.status === 200) {
          this.offset = Number(answer.getResponseHeader("Upload-Offset"));
          if (this.offset > 0) this.say(`L'envoi reprend${NBSP}: ${size(this.offset)} étaient déjà arrivés.`);
          return this.became(answer);
        }
        if (answer.status !== 404 && answer.status !== 410) throw refusal(answer);
        memory.forget(this.key);
      }
      const [convention, dataset, period] = this.target.split("/");
      const facts = { convention, dataset, period, filename: this.file.name };
      const metadata = Object.entries(facts).filter(([, value]) => value).map(([name, value]) => `${name} ${base64(value)}`).join(",");
      const answer = await this.request("POST", this.start, { "Upload-Length": this.file.size, "Upload-Metadata": metadata });
      if (answer.status !== 201) throw refusal(answer);
      this.url = answer.getResponseHeader("Location");
      this.offset = 0;
      memory.keep(this.key, this.url);
      return undefined;
    }

    /** Sends the next piece; an empty one asks again for what a whole file became. */
    async piece() {
      const at = this.offset;
      const bytes = this.file.slice(at, at + this.chunk);
      const headers = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": at };
      const answer = await this.request("PATCH", this.url, headers, bytes, (loaded) => this.sent(at + (loaded ?? bytes.size)));
      if (answer.status === 204) {
        this.offset = Number(answer.getResponseHeader("Upload-Offset"));
        memory.keep(this.key, this.url);
        return this.became(answer);
      }
      const refused = refusal(answer);
      if (answer.status === 404 || answer.status === 410) { memory.forget(this.key); this.url = undefined; refused.again = true; }
      throw refused;
    }

    became(answer) {
      const id = answer.getResponseHeader("Retex-Deposit");
      return id && `/depots/${id}${answer.getResponseHeader("Retex-Already-Deposited") ? "?deja=1" : ""}`;
    }

    /** Takes back what has arrived; gives the deposit where the file had become one already. */
    async cancel() {
      memory.forget(this.key);
      if (!this.url) return undefined;
      this.signal = undefined;
      for (let tries = 0; tries < 3; tries++) {
        try {
          const answer = await this.request("DELETE", this.url, {});
          if (answer.status === 409) return this.became(await this.request("HEAD", this.url, {}));
          return undefined;
        } catch {
          await new Promise((later) => setTimeout(later, 1000));
        }
      }
      return undefined; // Nothing answers: the hub forgets it by itself within a day.
    }
  }

  function refusal(answer) {
    const { status } = answer;
    let problem = {};
    try { problem = JSON.parse(answer.responseText); } catch { /* a proxy's words, or none */ }
    if (status === 401) {
      return new Refused("Votre session a pris fin. Reconnectez-vous, puis choisissez le même fichier : l'envoi reprendra où il s'est arrêté.", { status });
    }
    const again = status >= 500 || status === 408 || status === 423 || status === 429 || problem.code === "upload_offset";
    return new Refused(problem.detail ?? "Le service ne répond pas comme prévu.", { again, status });
  }

  function enhance(form) {
    const drop = form.querySelector("[data-drop]");
    const input = form.querySelector("input[type=file]");
    const panel = form.querySelector("[data-progress]");
    const bar = panel.querySelector("progress");
    const state = panel.querySelector("[data-state]");
    const amount = panel.querySelector("[data-amount]");
    const cancel = panel.querySelector("[data-cancel]");
    const name = drop.querySelector("b");
    const say = (text) => { state.textContent = text; };
    const show = () => {
      const file = input.files[0];
      drop.classList.toggle("filled", Boolean(file));
      if (file) name.textContent = `${file.name} (${size(file.size)})`;
    };
    input.addEventListener("change", show);
    for (const event of ["dragenter", "dragover"]) {
      drop.addEventListener(event, (e) => { e.preventDefault(); drop.classList.add("over"); });
    }
    for (const event of ["dragleave", "drop"]) {
      drop.addEventListener(event, (e) => { e.preventDefault(); drop.classList.remove("over"); });
    }
    drop.addEventListener("drop", (e) => {
      if (e.dataTransfer.files.length) { input.files = e.dataTransfer.files; show(); }
    });
    show();

    form.addEventListener("submit", async (e) => {
      if (!input.files.length) return;
      e.preventDefault();
      const button = e.submitter ?? form.querySelector("button.main");
      const action = button.getAttribute("formaction") || form.getAttribute("action");
      const file = input.files[0];
      const controller = new AbortController();
      const { signal } = controller;
      const sent = (bytes, total = file.size) => {
        if (bytes === null) return;
        bar.value = (100 * bytes) / total;
        amount.textContent = `${size(Math.min(bytes, file.size))} envoyés sur ${size(file.size)}`;
      };
      const settle = (fields) => { for (const f of form.querySelectorAll("button:not([data-cancel]), input[type=file], select")) f.disabled = fields; };
      const step = (at) => panel.querySelectorAll("li").forEach((li, i) => { li.className = i < at ? "done" : i === at ? "now" : ""; });
      // A disabled field is not part of the form: it is read first.
      const data = new FormData(form, button);
      const target = data.get("target");
      settle(true);
      panel.hidden = false;
      cancel.hidden = false;
      step(0);
      amount.textContent = "";
      bar.value = 0;
      say(`Envoi de ${file.name} en cours…`);
      cancel.focus();
      let resumable;
      const stop = () => controller.abort();
      cancel.addEventListener("click", stop);
      try {
        if (action === form.getAttribute("action") && file.size > Number(form.dataset.resumableAbove)) {
          resumable = new Resumable({
            file, target, csrf: data.get("csrf"), start: form.dataset.uploads, chunk: Number(form.dataset.chunk), signal, say, sent,
          });
          const done = await resumable.run();
          received();
          location.assign(done);
        } else {
          // The file comes last, so that the server knows what it is for before it reads it.
          data.delete("file");
          data.append("file", file);
          const answer = await ask("POST", action, { body: data, signal, sent: (loaded, total) => (loaded === null ? received() : sent(loaded, total)) });
          if (answer.responseURL && new URL(answer.responseURL).pathname !== new URL(action, location.href).pathname) {
            location.assign(answer.responseURL);
          } else {
            const page = new DOMParser().parseFromString(answer.responseText, "text/html");
            document.title = page.title;
            document.querySelector("main").replaceWith(page.querySelector("main"));
            document.querySelectorAll("form[data-upload]").forEach(enhance);
            scrollTo(0, 0);
          }
        }
      } catch (error) {
        cancel.hidden = true;
        if (error.name === "AbortError") {
          say("Annulation…");
          const done = await resumable?.cancel();
          if (done) { location.assign(done); return; }
          say("Envoi annulé. Rien n'a été déposé, et rien n'est gardé.");
        } else if (resumable && error.again) {
          say(`${error.message} Ce qui est arrivé est gardé un jour${NBSP}: vérifiez votre connexion, puis déposez de nouveau ce fichier.`);
        } else if (error instanceof Refused) {
          // What cannot be deposited is not kept either; a session that ended is not the file's fault.
          if (resumable && error.status !== 401 && error.status !== 403) await resumable.cancel();
          say(resumable ? error.message : `${error.message} Rien n'a été déposé${NBSP}: vérifiez votre connexion, puis recommencez.`);
        } else {
          say("L'envoi a échoué. Rechargez la page, puis recommencez.");
          throw error;
        }
        amount.textContent = "";
        bar.value = 0;
        settle(false);
        button.focus();
      } finally {
        cancel.removeEventListener("click", stop);
      }

      function received() {
        step(1);
        bar.removeAttribute("value");
        amount.textContent = "";
        say("Fichier reçu, lecture en cours…");
      }
    });

    // Another dataset: show what is expected of it.
    const target = form.querySelector("select[name=target]");
    if (target) {
      target.addEventListener("change", () => {
        const url = new URL(location.href);
        url.pathname = "/depots/nouveau";
        url.searchParams.set("cible", target.value);
        location.assign(url);
      });
    }
  }

  memory.tidy();
  document.querySelectorAll("form[data-upload]").forEach(enhance);
}
