// Adds to pages that already work without it: drag and drop, upload progress, live progress of a check, the check of a draft as it is typed.
"use strict";

for (const form of document.querySelectorAll("form[data-upload]")) {
  const drop = form.querySelector("[data-drop]");
  const input = form.querySelector("input[type=file]");
  const panel = form.querySelector("[data-progress]");
  const bar = panel.querySelector("progress");
  const status = panel.querySelector("[data-status]");
  const name = drop.querySelector("b");
  const size = (n) => (n < 1e6 ? Math.max(1, Math.round(n / 1e3)) + "\u00a0Ko" : (n / 1e6).toFixed(1).replace(".", ",") + "\u00a0Mo");
  const show = () => {
    const file = input.files[0];
    drop.classList.toggle("filled", Boolean(file));
    if (file) name.textContent = file.name + " (" + size(file.size) + ")";
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

  form.addEventListener("submit", (e) => {
    if (!input.files.length) return;
    e.preventDefault();
    const action = (e.submitter && e.submitter.getAttribute("formaction")) || form.action;
    // The file comes last, so that the server knows what it is for before it reads it.
    const data = new FormData(form);
    const file = data.get("file");
    data.delete("file");
    data.append("file", file);
    const buttons = form.querySelectorAll("button");
    buttons.forEach((b) => { b.disabled = true; });
    panel.hidden = false;
    const request = new XMLHttpRequest();
    request.open("POST", action);
    request.upload.addEventListener("progress", (p) => {
      if (!p.lengthComputable) return;
      bar.value = (100 * p.loaded) / p.total;
      status.textContent = size(p.loaded) + " envoyés sur " + size(p.total);
    });
    request.upload.addEventListener("load", () => {
      const steps = panel.querySelectorAll("li");
      steps[0].className = "done";
      steps[1].className = "now";
      bar.removeAttribute("value");
      status.textContent = "Fichier reçu, lecture en cours…";
    });
    request.addEventListener("load", () => {
      if (request.responseURL && new URL(request.responseURL).pathname !== new URL(action, location.href).pathname) {
        location.assign(request.responseURL);
      } else {
        const page = new DOMParser().parseFromString(request.responseText, "text/html");
        document.title = page.title;
        document.querySelector("main").replaceWith(page.querySelector("main"));
        scrollTo(0, 0);
      }
    });
    request.addEventListener("error", () => {
      status.textContent = "L'envoi s'est interrompu. Rien n'a été déposé : vérifiez votre connexion, puis recommencez.";
      buttons.forEach((b) => { b.disabled = false; });
    });
    request.send(data);
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

for (const panel of document.querySelectorAll("[data-events]")) {
  const source = new EventSource(panel.dataset.events);
  const order = ["reading", "checking", "storing"];
  const bar = panel.querySelector("progress");
  source.addEventListener("step", (e) => {
    const news = JSON.parse(e.data);
    const at = order.indexOf(news.step);
    panel.querySelectorAll(".steps li").forEach((li, i) => {
      li.className = i - 1 < at ? "done" : i - 1 === at ? "now" : "";
    });
    if (typeof news.percent === "number") { bar.max = 100; bar.value = news.percent; } else { bar.removeAttribute("value"); }
  });
  source.addEventListener("done", () => { source.close(); location.reload(); });
}

// A draft is checked as it is typed: the panel beside the form and the words beside each field follow.
for (const form of document.querySelectorAll("form[data-check]")) {
  const panel = document.querySelector("[data-check-panel]");
  let timer, running;
  const check = async () => {
    running?.abort();
    running = new AbortController();
    try {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(form.dataset.check, { method: "POST", body, signal: running.signal });
      if (!answer.ok) return;
      const at = panel.querySelector("pre")?.scrollTop ?? 0;
      panel.innerHTML = await answer.text();
      const pre = panel.querySelector("pre");
      if (pre) pre.scrollTop = at;
      form.querySelectorAll(".field-fault").forEach((p) => p.remove());
      form.querySelectorAll("[aria-invalid]").forEach((f) => { f.removeAttribute("aria-invalid"); f.removeAttribute("aria-describedby"); });
      for (const li of panel.querySelectorAll("[data-for]")) {
        const field = li.dataset.for && form.querySelector("#" + CSS.escape(li.dataset.for));
        if (!field) continue;
        const id = "e-" + li.dataset.for;
        const said = form.querySelector("#" + CSS.escape(id));
        if (said) { said.append(document.createElement("br"), li.dataset.message); continue; }
        const p = document.createElement("p");
        p.className = "field-fault";
        p.id = id;
        p.textContent = li.dataset.message;
        if (field.matches("input, select, textarea")) {
          field.setAttribute("aria-invalid", "true");
          field.setAttribute("aria-describedby", id);
          (field.closest(".valued, .choice") || field).before(p);
        } else {
          const title = field.querySelector("legend, h2, h3, h4");
          if (title && title.parentElement === field) title.after(p); else field.prepend(p);
        }
      }
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  };
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(check, 700); });
}
