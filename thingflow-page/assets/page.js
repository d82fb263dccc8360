// The page: one stream from the program, tables and plots from it. Everything from the program is shown as text, never as markup.
"use strict";
(() => {
  const POINTS = 6000; // of a plot: ten minutes at ten a second
  const GAP = 3000; // milliseconds without a value are a gap
  const at = (id) => document.getElementById(id);
  let token = "";
  let hasControl = false;
  let before = null; // the last snapshot
  let current = null; // what stops the stream
  const plotted = new Map(); // id of a place: its plot
  const last = new Map(); // id of a place: its last value

  // Small helpers for the tree of the page.
  const text = (tag, content, kind) => {
    const it = document.createElement(tag);
    it.textContent = content;
    if (kind) it.className = kind;
    return it;
  };
  const fill = (parent, children) => parent.replaceChildren(...children);
  const say = (word, kind) => {
    at("word").textContent = word;
    at("mark").textContent = kind === "good" ? "●" : "▲";
    at("state").className = kind;
  };
  const ask = (path, options = {}) =>
    fetch(path, { ...options, cache: "no-store", headers: { Authorization: `Bearer ${token}` } });

  // The token stands behind the #, so that no server and no history of a proxy sees it.
  const takeToken = () => {
    const found = new URLSearchParams(location.hash.slice(1)).get("token");
    if (found) {
      sessionStorage.setItem("token", found);
      history.replaceState(null, "", location.pathname);
    }
    token = found || sessionStorage.getItem("token") || "";
  };
  const askForToken = () => {
    at("ask").hidden = false;
    say("a token is needed", "bad");
  };
  at("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    token = at("token").value.trim();
    sessionStorage.setItem("token", token);
    at("ask").hidden = true;
    start();
  });

  const number = (n) => n.toLocaleString("en");
  const duration = (d) => d.secs * 1e3 + d.nanos / 1e6;
  const millis = (ms) => (ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`);
  const secondsBetween = (a, b) => (Date.parse(b.timestamp) - Date.parse(a.timestamp)) / 1000;
  const asNumber = (shown) => {
    // A number, one that may be missing, or the value of a sensor event behind its time.
    const match = /^(?:Some\()?(-?[0-9.]+(?:e[-+]?[0-9]+)?)\)?$/i.exec(shown) || /Z (-?[0-9.]+(?:e[-+]?[0-9]+)?)$/i.exec(shown);
    if (match) return Number(match[1]);
    return shown === "true" ? 1 : shown === "false" ? 0 : NaN;
  };

  // Tables are changed cell by cell, so that a button stays the one on which a finger or the focus is.
  const set = (it, name, value) => { if (it[name] !== value) it[name] = value; };
  const sync = (body, items) => {
    const rows = body.rowsByKey ?? (body.rowsByKey = new Map());
    const keys = new Set(items.map((item) => item.key));
    for (const [key, row] of rows) {
      if (!keys.has(key)) {
        row.remove();
        rows.delete(key);
      }
    }
    items.forEach((item, n) => {
      const row = rows.get(item.key) ?? document.createElement("tr");
      rows.set(item.key, row);
      item.cells.forEach(([content, kind = ""], column) => {
        const cell = row.children[column] ?? row.appendChild(document.createElement(column ? "td" : "th"));
        if (column === 0) set(cell, "scope", "row");
        set(cell, "textContent", content);
        set(cell, "className", kind);
      });
      syncButtons(row.children[item.cells.length] ?? row.appendChild(document.createElement("td")), item);
      if (body.children[n] !== row) body.insertBefore(row, body.children[n] ?? null);
    });
  };
  const syncButtons = (cell, { name, actions }) => {
    cell.actions = actions;
    actions.forEach(({ label, isOn }, n) => {
      let it = cell.children[n];
      if (!it) {
        it = document.createElement("button");
        it.type = "button";
        it.addEventListener("click", () => cell.actions[n]?.act());
        cell.append(it, " ");
      }
      set(it, "textContent", label);
      it.setAttribute("aria-label", `${label} ${name}`);
      if (isOn !== undefined) it.setAttribute("aria-pressed", String(isOn));
    });
    while (cell.children.length > actions.length) cell.lastElementChild.remove();
  };

  const rate = (node) => {
    const old = before && node.id !== null && before.graph.nodes.find((it) => it.id === node.id);
    const seconds = old ? secondsBetween(before, node.of) : 0;
    const counted = (it) => it.events ?? it.probe?.events ?? null;
    if (!old || seconds <= 0 || counted(node) === null || counted(old) === null) return "";
    return ((counted(node) - counted(old)) / seconds).toFixed(1);
  };

  const placeRow = (node, n) => {
    const sum = (name) => node.queues.reduce((total, it) => total + it[name], 0);
    const waiting = sum("waiting");
    const dropped = sum("dropped");
    const capacity = node.queues.every((it) => it.capacity !== null) ? sum("capacity") : null;
    const queue = node.queues.length === 0 ? "" : capacity === null ? number(waiting) : `${number(waiting)} of ${number(capacity)}`;
    const events = node.events ?? node.probe?.events ?? null;
    const isFull = capacity !== null && capacity > 0 && waiting >= capacity;
    const cells = [
      [node.name], [node.operator ? `${node.kind}: ${node.operator}` : node.kind],
      [events === null ? "" : number(events), "number"], [rate(node), "number"],
      isFull ? [`${queue}, full`, "number bad"] : [queue, "number"],
      [node.queues.length ? number(dropped) : "", dropped ? "number bad" : "number"],
      [last.get(node.id) ?? node.probe?.last ?? "", "value"],
    ];
    const canPlot = node.id !== null && (node.events !== null || node.probe);
    const plot = { label: "plot", isOn: plotted.has(node.id), act: () => toggle(node.id, node.name) };
    return { key: node.id ?? `at ${n}`, name: node.name, cells, actions: canPlot ? [plot] : [] };
  };

  const counts = (node) => node.kind === "source" || node.events !== null || node.probe || node.queues.length > 0;
  const shownNodes = (snapshot) => snapshot.graph.nodes.filter((node) => at("all").checked || counts(node));

  const change = async (what, id) => {
    const answer = await ask(`/api/${what}?id=${encodeURIComponent(id)}`, { method: "POST" });
    if (!answer.ok) say(await answer.text(), "bad");
  };

  const kinds = (kind) => (typeof kind === "string" ? kind : `every ${millis(duration(kind.periodic))}`);
  const scheduleRow = (it) => {
    const count = (n) => [number(n), n ? "number bad" : "number"];
    const cells = [
      [it.name], [kinds(it.kind)], [it.state, it.state === "full" || it.state === "paused" ? "bad" : ""],
      [number(it.stats.ticks), "number"], count(it.stats.missed), count(it.stats.failures),
      [it.lateness.ticks ? millis(duration(it.lateness.longest)) : "", "number"],
    ];
    const turn = it.state === "paused" ? "resume" : "pause";
    const end = () => { if (confirm(`End “${it.name}”? It does not start again by itself.`)) change("end", it.id); };
    const actions = [{ label: turn, act: () => change(turn, it.id) }, { label: "end", act: end }];
    return { key: it.id, name: it.name, cells, actions: hasControl ? actions : [] };
  };

  const problems = (snapshot) => {
    const all = [];
    for (const it of snapshot.schedules) {
      if (it.failing > 0) all.push(`${it.name}: the last ${it.failing} samplings have failed`);
      if (it.state === "full") all.push(`${it.name} waits for room in a queue further down`);
      const old = before?.schedules.find((was) => was.id === it.id);
      if (old && it.stats.missed > old.stats.missed) all.push(`${it.name} misses ticks: something takes too long`);
    }
    for (const node of snapshot.graph.nodes) {
      const old = before?.graph.nodes.find((was) => was.id === node.id && node.id !== null);
      node.queues.forEach((queue, n) => {
        if (old?.queues[n] && queue.dropped > old.queues[n].dropped) all.push(`${node.name} drops events: its queue is full`);
      });
    }
    for (const it of snapshot.overruns) {
      const old = before?.overruns.find((was) => was.thing === it.thing);
      if (it.count > (old?.count ?? 0)) heldUntil.set(it.thing, Date.now() + 60000);
      if (Date.now() < heldUntil.get(it.thing)) all.push(overrun(it));
    }
    return all;
  };
  const heldUntil = new Map(); // what has held up the program: until when that is a problem
  const overrun = (it) =>
    `${it.thing} has held up everything else ${it.count === 1 ? "once" : `${number(it.count)} times`}, for ${millis(duration(it.longest))} at the longest`;

  let drawn = "";
  const draw = async (snapshot) => {
    // Anew each five seconds for its numbers, and at once when the graph has changed.
    const shape = JSON.stringify(snapshot.graph.nodes.map((it) => it.id)) + Math.floor(Date.parse(snapshot.timestamp) / 5000);
    if (shape === drawn) return;
    drawn = shape;
    const answer = await ask("/api/graph.svg");
    if (!answer.ok) return;
    const image = at("drawing");
    const old = image.src;
    // As an image it cannot run anything.
    image.src = URL.createObjectURL(new Blob([await answer.blob()], { type: "image/svg+xml" }));
    image.alt = `${snapshot.graph.nodes.length} places: ${snapshot.graph.nodes.map((it) => it.name).join(", ")}`;
    if (old) URL.revokeObjectURL(old);
  };

  const show = ({ snapshot, missed }) => {
    say(missed ? `running; this tab has missed ${missed} messages` : "running", "good");
    at("clock").textContent = snapshot.timestamp.replace("T", " ").replace(/\.\d+Z$/, " UTC");
    const found = problems(snapshot);
    fill(at("problems"), found.length ? found.map((it) => text("li", it, "bad")) : [text("li", "none")]);
    snapshot.graph.nodes.forEach((node) => { node.of = snapshot; });
    sync(at("places"), shownNodes(snapshot).map(placeRow));
    sync(at("schedules"), snapshot.schedules.map(scheduleRow));
    const errors = snapshot.errors.map((it) => text("li", `${it.thing}: ${it.last}${it.count > 1 ? ` (${number(it.count)} times)` : ""}`));
    errors.push(...snapshot.overruns.map((it) => text("li", overrun(it))));
    fill(at("errors"), errors.length ? errors : [text("li", "none")]);
    draw(snapshot).catch(() => {});
    before = snapshot;
  };

  // Plots.
  class Plot {
    constructor(name) {
      this.times = [];
      this.values = [];
      this.box = document.createElement("div");
      this.box.className = "plot";
      this.note = text("p", "waiting for a value");
      this.box.append(text("h3", name), this.note);
      const ink = getComputedStyle(document.body).color;
      const axis = { stroke: ink, grid: { stroke: "#8884" }, ticks: { stroke: "#8884" } };
      const options = {
        width: this.width(), height: 220, cursor: { drag: { x: true, y: false } },
        series: [{}, { label: name, stroke: "#2f81f7", width: 2, spanGaps: false, points: { show: false } }],
        axes: [axis, axis],
      };
      at("plots").append(this.box);
      this.chart = new uPlot(options, [this.times, this.values], this.box);
      this.isStale = false;
    }
    width() { return Math.max(240, at("plots").clientWidth - 16); }
    add(time, shown) {
      const value = asNumber(shown);
      this.note.textContent = Number.isNaN(value) ? `${shown} is no number: see “last value”` : `now ${value}`;
      const lastTime = this.times.at(-1);
      if (lastTime !== undefined && time - lastTime * 1000 > GAP) {
        this.times.push(lastTime + 0.001);
        this.values.push(null);
      }
      this.times.push(time / 1000);
      this.values.push(Number.isNaN(value) ? null : value);
      if (this.times.length > POINTS) {
        this.times.splice(0, this.times.length - POINTS);
        this.values.splice(0, this.values.length - POINTS);
      }
      this.isStale = true;
    }
    draw() {
      if (this.isStale) this.chart.setData([this.times, this.values]);
      this.isStale = false;
    }
    resize() { this.chart.setSize({ width: this.width(), height: 220 }); }
    remove() {
      this.chart.destroy();
      this.box.remove();
    }
  }
  const toggle = (id, name) => {
    if (plotted.has(id)) {
      plotted.get(id).remove();
      plotted.delete(id);
    } else {
      plotted.set(id, new Plot(name));
    }
    at("no-plots").hidden = plotted.size > 0;
    if (before) sync(at("places"), shownNodes(before).map(placeRow));
    start();
  };
  setInterval(() => plotted.forEach((plot) => plot.draw()), 500);
  addEventListener("resize", () => plotted.forEach((plot) => plot.resize()));

  const handle = {
    snapshot: show,
    seen: ({ tap, at: time, text: shown }) => {
      last.set(tap, shown);
      plotted.get(tap)?.add(time, shown);
    },
    untapped: ({ tap, why }) => { if (plotted.has(tap)) plotted.get(tap).note.textContent = why; },
    ended: ({ why }) => say(why, "bad"),
  };

  // One stream for this tab. It is read by hand, since the token belongs into a header.
  const listen = async (signal) => {
    const taps = [...plotted.keys()].map((id) => `tap=${encodeURIComponent(id)}`).join("&");
    const answer = await ask(`/api/stream?${taps}`, { signal });
    if (answer.status === 401) return askForToken();
    if (!answer.ok) throw new Error(await answer.text());
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error("the program has closed the connection");
      buffer += value;
      const messages = buffer.split("\n\n");
      buffer = messages.pop();
      for (const message of messages) {
        const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(message) ?? [];
        if (handle[name]) handle[name](JSON.parse(data));
      }
    }
  };
  const start = async () => {
    current?.abort();
    const mine = new AbortController();
    current = mine;
    for (let wait = 500; !mine.signal.aborted; wait = Math.min(wait * 2, 10000)) {
      const began = Date.now();
      try {
        await listen(mine.signal);
        return;
      } catch (error) {
        if (mine.signal.aborted) return;
        say(`no connection, trying again: ${error.message}`, "bad");
      }
      if (Date.now() - began > 10000) wait = 500;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  };

  const begin = async () => {
    takeToken(); // there is none where whoever may connect may look
    try {
      const answer = await ask("/api/about");
      if (answer.status === 401) return askForToken();
      const about = await answer.json();
      at("title").textContent = document.title = about.title;
      hasControl = about.has_control;
      at("controls").hidden = !hasControl;
    } catch {
      // The stream tries again, and says what is wrong.
    }
    start();
  };
  begin();
})();
