// Adds to pages that already work without it: live progress of a check, the check of a draft as it is typed. Files are sent by upload.js.
"use strict";

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
