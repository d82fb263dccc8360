// The page: one stream from the program, tables and plots from it. Everything from the program is shown as text, never as markup.
"use strict";
(() => {
  const POINTS = 6000; // of a plot: ten minutes at ten a second
  const MOST_TAPS = 64; // that the program allows
  const GAP = 3000; // milliseconds without a value are a gap, if it is five times as long as usual
  const at = (id) => document.getElementById(id);
  let token = "";
  let hasControl = false;
  let pasts = []; // names of places of which the program knows the past
  let units = {}; // by the names of places
  let before = null; // the last snapshot
  const plotted = new Map(); // id of a place: its series
  const wanted = new Set(); // names that are to be plotted as soon as they are there
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
    const hash = location.hash.slice(1);
    const found = new URLSearchParams(hash).get("token");
    if (found) {
      sessionStorage.setItem("token", found);
      history.replaceState(null, "", location.pathname);
    }
    new URLSearchParams(hash).getAll("plot").forEach((name) => wanted.add(name));
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
    open();
  });

  const number = (n) => n.toLocaleString("en");
  const duration = (d) => d.secs * 1e3 + d.nanos / 1e6;
  const millis = (ms) => (ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`);
  const secondsBetween = (a, b) => (Date.parse(b.timestamp) - Date.parse(a.timestamp)) / 1000;
  const asNumber = (shown) => {
    // A number, one that may be missing, the value of a sensor event behind its time, or a field of a record.
    const match = /^(?:Some\()?(-?[0-9.]+(?:e[-+]?[0-9]+)?)\)?$/i.exec(shown) || /Z (-?[0-9.]+(?:e[-+]?[0-9]+)?)$/i.exec(shown) || /\b(?:val|value|event): (-?[0-9.]+(?:e[-+]?[0-9]+)?)\b/i.exec(shown);
    if (match) return Number(match[1]);
    return shown === "true" ? 1 : shown === "false" ? 0 : NaN;
  };

  // Tables are changed cell by cell, so that a button stays the one on which a finger or the focus is.
  const set = (it, name, value) => { if (it[name] !== value) it[name] = value; };
  const sync = (body, items) => {
    const rows = body.rowsByKey ?? (body.rowsByKey = new Map());
    const keys = new Set(items.map((item) => item.key));
    const heads = [...body.parentElement.tHead.rows[0].cells].map((cell) => cell.textContent);
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
        else set(cell.dataset, "label", heads[column]);
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
    return (Math.max(0, counted(node) - counted(old)) / seconds).toFixed(1);
  };

  // Sensors: what each has sent last, and how long ago. A mark says by its shape what it says by its colour.
  const qualities = { good: ["● good", "good"], suspect: ["▲ suspect", "bad"], bad: ["✖ bad", "bad"], missing: ["✖ missing", "bad"] };
  const states = { fresh: ["● fresh", "good"], stale: ["▲ stale", "bad"], waiting: ["… nothing yet", ""], ended: ["■ ended", ""] };
  const long = (seconds) =>
    seconds < 120 ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s` : seconds < 7200 ? `${Math.floor(seconds / 60)} min` : seconds < 172800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} days`;
  const sensorName = (it) => (it.sensor && it.sensor !== it.name ? `${it.name}: ${it.sensor}` : it.name);
  const sensorRow = (it) => {
    const name = sensorName(it);
    const given = it.unit ? ` ${it.unit}` : unit(it.sensor ?? it.name) || unit(it.name);
    const shown = it.value === undefined ? "" : Object.hasOwn(lamps, it.value) ? lamps[it.value] : brief(it.value) + given;
    const cells = [
      [name], [shown, "value"], [it.age === null ? "" : long(it.age), "number"],
      it.quality ? qualities[it.quality.toLowerCase()] ?? [it.quality] : [""], states[it.state] ?? [it.state],
    ];
    const plot = { label: "plot", isOn: plotted.has(it.place), act: () => toggle(it.place, it.name) };
    return { key: `${it.place} ${it.sensor ?? ""}`, name, cells, actions: [plot] };
  };

  // A number has as many digits as in the plots.
  const brief = (value) => (/^-?\d+\.\d{4,}$/.test(value) ? short(Number(value)) : value);

  // A truth is a lamp.
  const lamps = { true: "● on", false: "○ off" };
  const withUnit = (name, shown) => (shown === "" ? "" : Object.hasOwn(lamps, shown) ? lamps[shown] : shown + unit(name));
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
      [withUnit(node.name, last.get(node.id) ?? node.probe?.last ?? ""), "value"],
    ];
    const canPlot = node.id !== null && node.tappable;
    const plot = { label: "plot", isOn: plotted.has(node.id), act: () => toggle(node.id, node.name) };
    return { key: node.id ?? `at ${n}`, name: node.name, cells, actions: canPlot ? [plot] : [] };
  };

  const counts = (node) => node.kind === "source" || node.tappable || node.queues.length > 0;
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

  const problems = (snapshot, sensors) => {
    const all = sensors.filter((it) => it.state === "stale").map((it) => `${sensorName(it)} is stale: nothing has come for ${long(it.age)}`);
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
  let isDrawing = false;
  const draw = async (snapshot) => {
    // Anew each five seconds for its numbers, and at once when the graph has changed.
    const shape = JSON.stringify(snapshot.graph.nodes.map((it) => it.id)) + Math.floor(Date.parse(snapshot.timestamp) / 5000);
    if (shape === drawn) return;
    drawn = shape;
    if (isDrawing) return; // by a slow board
    isDrawing = true;
    const answer = await ask("/api/graph.svg").finally(() => { isDrawing = false; });
    if (!answer.ok && answer.status !== 404) return; // the old one stays until the program has time
    const image = at("drawing");
    image.hidden = !answer.ok;
    set(at("undrawn"), "textContent", answer.ok ? "" : await answer.text());
    if (!answer.ok) return;
    const old = image.src;
    // As an image it cannot run anything.
    image.src = URL.createObjectURL(new Blob([await answer.blob()], { type: "image/svg+xml" }));
    image.alt = `${snapshot.graph.nodes.length} places: ${snapshot.graph.nodes.map((it) => it.name).join(", ")}`;
    if (old) URL.revokeObjectURL(old);
  };

  // Outputs: what was given to them is somewhere at every moment.
  const outputRow = (it) => {
    const sum = it.delivered + it.waiting + it.dropped + it.dead + it.lost;
    const bad = (n) => [number(n), n ? "number bad" : "number"];
    const old = previous.find((was) => was.name === it.name);
    const seconds = old && before ? secondsBetween(before, now) : 0;
    const cells = [
      [it.name], [number(it.taken), "number"], [number(it.delivered), "number"],
      [seconds > 0 ? (Math.max(0, it.delivered - old.delivered) / seconds).toFixed(1) : "", "number"],
      [number(it.waiting), "number"], [waitsFor(it), "number"], bad(it.dropped), bad(it.dead), bad(it.lost),
      [sum === it.taken ? "yes" : `no: ${number(it.taken - sum)} missing`, sum === it.taken ? "" : "bad"],
    ];
    return { key: it.name, name: it.name, cells, actions: [] };
  };
  // The age of the oldest event that waits. A queue in memory does not know it: then it is as old at least as the page has seen.
  const waitsFor = (it) => {
    if (it.waiting === 0) return "";
    if (it.oldest !== null) return long(it.oldest);
    const marks = taken.get(it.name) ?? [];
    const since = marks.find(([count]) => count > it.taken - it.waiting);
    return since ? `at least ${long((Date.now() - since[1]) / 1000)}` : "";
  };
  const taken = new Map(); // an output: what it had been given, and when
  const noteTaken = (it) => {
    const marks = taken.get(it.name) ?? [];
    taken.set(it.name, marks);
    const gone = it.taken - it.waiting;
    while (marks.length > 1 && marks[0][0] <= gone) marks.shift();
    if (marks.at(-1)?.[0] === it.taken) return;
    if (marks.length && marks.at(-1)[0] > it.taken) marks.length = 0; // the program was started anew
    if (marks.length === 500) marks.splice(1, 1);
    marks.push([it.taken, Date.now()]);
  };
  const troubled = (outputs) => outputs.filter((it) => it.why).map((it) => `${it.name} ${it.why}`);
  let previous = []; // the outputs of the last snapshot
  let shownSensors = [];
  let now = null; // the snapshot that is being shown

  // Controls that the program offers.
  const post = async (path) => {
    const answer = await ask(path, { method: "POST" });
    if (!answer.ok) say(await answer.text(), "bad");
    return answer.ok;
  };
  const makeButtons = (names) => names.map((name) => {
    const it = text("button", name);
    it.type = "button";
    it.addEventListener("click", async () => {
      if (await post(`/api/press?name=${encodeURIComponent(name)}`)) set(at("pressed"), "textContent", `“${name}” was pressed at ${clock(new Date())}`);
    });
    return it;
  });
  const sliders = new Map(); // name: its elements
  const showSliders = (all) => all.forEach(({ name, least, greatest, value }) => {
    let it = sliders.get(name);
    if (!it) {
      const [label, input, output] = ["label", "input", "output"].map((tag) => document.createElement(tag));
      Object.assign(input, { type: "range", min: least, max: greatest, step: (greatest - least) / 200 || "any" });
      input.addEventListener("input", () => {
        output.textContent = short(Number(input.value)) + unit(name);
        post(`/api/set?name=${encodeURIComponent(name)}&value=${input.value}`);
      });
      label.append(text("span", name), input, output);
      at("sliders").append(label);
      sliders.set(name, (it = { input, output }));
    }
    if (document.activeElement === it.input && Number(it.input.value) !== value) return; // a finger is on it
    set(it.input, "value", String(value));
    set(it.output, "textContent", short(value) + unit(name));
  });

  const show = ({ snapshot, missed, sensors = [], outputs = [], sliders: all = [] }) => {
    now = snapshot;
    say(missed ? `running; this tab has missed ${missed} messages` : "running", "good");
    const date = new Date(snapshot.timestamp);
    at("clock").textContent = `${day(date)} ${clock(date)} ${zone(date)}`;
    const found = [...problems(snapshot, sensors), ...troubled(outputs)];
    document.title = (found.length ? "▲ " : "") + at("title").textContent;
    fill(at("problems"), found.length ? found.map((it) => text("li", it, "bad")) : [text("li", "none")]);
    snapshot.graph.nodes.forEach((node) => { node.of = snapshot; });
    sync(at("places"), shownNodes(snapshot).map(placeRow));
    shownSensors = sensors;
    sync(at("sensors"), sensors.map(sensorRow));
    at("sensors-section").hidden = sensors.length === 0;
    outputs.forEach(noteTaken);
    sync(at("outputs"), outputs.map(outputRow));
    at("outputs-section").hidden = outputs.length === 0;
    previous = outputs;
    showSliders(all);
    at("offers").hidden = all.length === 0 && at("buttons").children.length === 0;
    sync(at("schedules"), snapshot.schedules.map(scheduleRow));
    const errors = snapshot.errors.map((it) => text("li", `${it.thing}: ${it.last}${it.count > 1 ? ` (${number(it.count)} times)` : ""}`));
    errors.push(...snapshot.overruns.map((it) => text("li", overrun(it))));
    fill(at("errors"), errors.length ? errors : [text("li", "none")]);
    draw(snapshot).catch(() => {});
    before = snapshot;
    follow(snapshot);
  };

  // Plots. A series is what a place has sent; a chart shows one of them, or all on one axis.
  const COLOURS = ["#2f81f7", "#d4622a", "#2da44e", "#a371f7", "#bf8700", "#e0489a", "#1b9e9e", "#8c959f"];
  const two = (n) => String(n).padStart(2, "0");
  const clock = (date) => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const day = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const zone = (date) => {
    const minutes = -date.getTimezoneOffset();
    const hours = `${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
    return minutes === 0 ? "UTC" : `UTC${minutes < 0 ? "-" : "+"}${hours}`;
  };
  const mark = (seconds, step) => {
    const date = new Date(seconds * 1000);
    if (step >= 86400) return day(date);
    if (step >= 60) return clock(date).slice(0, 5);
    return step >= 1 ? clock(date) : `${clock(date).slice(3)}.${Math.floor(date.getMilliseconds() / 100)}`;
  };
  const short = (value) => (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6))));

  const none = { times: [], values: [] };
  const unit = (name) => (Object.hasOwn(units, name) ? ` ${units[name]}` : "");

  class Series {
    constructor(name, colour) {
      this.name = name;
      this.colour = colour;
      this.times = [];
      this.values = [];
      this.usual = null; // milliseconds between two values
      this.past = none; // what was before the page was opened
      this.part = none; // of that, what has been zoomed into, with more points
      this.note = "waiting for a value";
    }
    // All that is known, in order: the part that has been zoomed into in place of the same time of the past.
    data() {
      const [first, last] = [this.part.times[0], this.part.times.at(-1)];
      const times = [], values = [];
      const add = (from, keep) => from.times.forEach((time, n) => {
        if (keep(time) && !(time <= times.at(-1))) {
          times.push(time);
          values.push(from.values[n]);
        }
      });
      const live = this.times[0] ?? Infinity;
      add(this.past, (time) => time < live && !(time >= first));
      add(this.part, (time) => time < live);
      add(this.past, (time) => time < live && time > last);
      if (times.length === 0) return [this.times, this.values];
      return [times.concat(this.times), values.concat(this.values)];
    }
    async fetchPast(from, until) {
      if (!pasts.includes(this.name)) return none;
      try {
        const answer = await ask(`/api/past?place=${encodeURIComponent(this.name)}&from=${Math.floor(from * 1000)}&until=${Math.ceil(until * 1000)}`);
        if (!answer.ok) throw new Error(await answer.text());
        const { times, values } = await answer.json();
        return { times: times.map((time) => time / 1000), values };
      } catch (error) {
        this.note = error.message;
        return none;
      }
    }
    async reach(seconds) {
      const [from, until] = [Date.now() / 1000 - seconds, this.times[0] ?? Date.now() / 1000 + 60];
      this.past = seconds ? await this.fetchPast(from, until) : none;
      const first = this.past.times[0];
      // It begins later than was asked for: what there is gets all of the points.
      if (first - from > (until - from) / 4) this.past = await this.fetchPast(first - 0.001, until);
      this.part = none;
      stale = true;
    }
    add(time, shown) {
      const value = asNumber(shown);
      this.note = Number.isNaN(value) ? `${shown} is no number: see “last value”` : `now ${short(value)}${unit(this.name)}`;
      const seconds = time / 1000;
      if (seconds < this.times.at(-1) - 1) [this.times, this.values, this.past] = [[], [], none]; // the clock was set back: begin anew
      const lastTime = this.times.at(-1);
      if (lastTime !== undefined && seconds <= lastTime) return;
      if (lastTime !== undefined) {
        const interval = time - lastTime * 1000;
        this.usual ??= interval;
        if (interval > GAP && interval > 5 * this.usual) {
          this.times.push(lastTime + 0.001);
          this.values.push(null);
        } else {
          this.usual += (interval - this.usual) / 8;
        }
      }
      this.times.push(seconds);
      this.values.push(Number.isNaN(value) ? null : value);
      if (this.times.length > POINTS * 1.2) {
        this.times.splice(0, this.times.length - POINTS);
        this.values.splice(0, this.values.length - POINTS);
      }
      stale = true;
    }
  }

  class Chart {
    constructor(all) {
      this.all = all;
      this.isZoomed = false;
      this.box = document.createElement("div");
      this.box.className = "plot";
      this.heading = text("h3", all.map((it) => it.name).join(", "));
      this.note = text("p", "");
      this.box.append(this.heading, this.note);
      document.getElementById("plots").append(this.box);
      const ink = () => getComputedStyle(document.body).color; // asked anew: it may become dark
      const axis = { stroke: ink, grid: { stroke: "#8884", width: 1 }, ticks: { stroke: "#8884", width: 1 } };
      const times = { ...axis, space: 90, values: (_, splits, __, ___, step) => splits.map((it) => mark(it, step)) };
      const line = (it) => ({ label: it.name, stroke: it.colour, width: 2, spanGaps: false, value: (_, v) => (v == null ? "–" : short(v) + unit(it.name)) });
      const at = { label: "time", value: (_, t) => (t == null ? "–" : `${day(new Date(t * 1000))} ${clock(new Date(t * 1000))}`) };
      const select = async (chart) => {
        if (chart.select.width <= 0) return;
        this.isZoomed = true;
        const [from, until] = [0, chart.select.width].map((x) => chart.posToVal(chart.select.left + x, "x"));
        const parts = await Promise.all(all.map((it) => it.fetchPast(from, until)));
        all.forEach((it, n) => { it.part = parts[n]; });
        stale = true;
      };
      const options = {
        width: this.width(), height: 220, cursor: { drag: { x: true, y: false } },
        series: [at, ...all.map(line)], axes: [times, { ...axis, size: 60, values: (_, splits) => splits.map(short) }],
        hooks: { setSelect: [select] },
      };
      this.chart = new uPlot(options, this.data(), this.box);
      this.chart.over.addEventListener("dblclick", () => {
        this.isZoomed = false;
        all.forEach((it) => { it.part = none; });
        this.draw();
      });
    }
    data() {
      const tables = this.all.map((it) => it.data());
      return tables.length === 1 ? tables[0] : uPlot.join(tables);
    }
    width() { return Math.max(200, this.box.clientWidth - 16); }
    draw() {
      const note = this.all.length === 1 ? this.all[0].note : this.all.map((it) => `${it.name}: ${it.note}`).join("; ");
      set(this.note, "textContent", note);
      const data = this.data();
      this.box.dataset.points = data[0].length;
      this.chart.setData(data, !this.isZoomed);
      if (this.isZoomed) this.chart.redraw();
    }
    resize() { this.chart.setSize({ width: this.width(), height: 220 }); }
    remove() {
      this.chart.destroy();
      this.box.remove();
    }
  }
  let charts = [];
  let stale = false;
  const arrange = () => {
    charts.forEach((chart) => chart.remove());
    const all = [...plotted.values()];
    charts = at("together").checked && all.length > 1 ? [new Chart(all)] : all.map((it) => new Chart([it]));
    charts.forEach((chart) => {
      chart.resize(); // there may be less room than when it was the only one
      chart.draw();
    });
    at("no-plots").hidden = plotted.size > 0;
    at("one-axis").hidden = plotted.size < 2;
    at("since").hidden = !all.some((it) => pasts.includes(it.name));
  };
  at("together").addEventListener("change", arrange);
  at("reach").addEventListener("change", () => plotted.forEach((it) => it.reach(Number(at("reach").value))));
  const newSeries = (name) => {
    const series = new Series(name, colour());
    series.reach(Number(at("reach").value));
    return series;
  };
  const colour = () => {
    const used = new Set([...plotted.values()].map((it) => it.colour));
    return COLOURS.find((it) => !used.has(it)) ?? COLOURS[plotted.size % COLOURS.length];
  };
  // What is plotted stands in the address, by name: so it can be kept as a bookmark.
  const remember = () => {
    const names = [...plotted.values()].map((it) => `plot=${encodeURIComponent(it.name)}`).join("&");
    history.replaceState(null, "", location.pathname + (names ? `#${names}` : ""));
  };
  const toggle = (id, name) => {
    if (!plotted.delete(id)) plotted.set(id, newSeries(name));
    remember();
    arrange();
    if (before) sync(at("places"), shownNodes(before).map(placeRow));
    sync(at("sensors"), shownSensors.map(sensorRow));
    wish();
  };
  // Names of the address that have no plot yet, and plots of a program that has been started anew.
  const follow = (snapshot) => {
    const free = snapshot.graph.nodes.filter((node) => node.tappable && node.id !== null && !plotted.has(node.id));
    let isNew = false;
    const ids = new Set(snapshot.graph.nodes.map((node) => node.id));
    for (const [id, series] of [...plotted]) {
      const now = ids.has(id) ? undefined : free.find((node) => node.name === series.name);
      if (now) {
        plotted.delete(id);
        plotted.set(now.id, series);
        isNew = true;
      }
    }
    for (const name of [...wanted]) {
      const node = free.find((it) => it.name === name);
      if (node) {
        wanted.delete(name);
        plotted.set(node.id, newSeries(name));
        isNew = true;
      }
    }
    if (!isNew) return;
    arrange();
    wish();
  };
  setInterval(() => {
    if (stale) charts.forEach((chart) => chart.draw());
    stale = false;
  }, 500);
  addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach((chart) => chart.chart.redraw()));

  const handle = {
    snapshot: show,
    seen: ({ tap, at: time, text: shown }) => {
      last.set(tap, shown);
      plotted.get(tap)?.add(time, shown);
    },
    untapped: ({ tap, why }) => {
      if (plotted.has(tap)) plotted.get(tap).note = why;
      stale = true;
    },
    ended: ({ why }) => say(why, "bad"),
    lost: ({ why }) => say(`no connection, trying again: ${why}`, "bad"),
  };

  // A browser opens six connections to a host, so the tabs share one stream: one of them listens, and tells the others. Without
  // locks, which browsers have for this machine and for TLS only, each tab has its own.
  const channel = new BroadcastChannel("stream");
  const me = String(Math.random());
  const others = new Map(); // the other tabs, if this one listens: what they plot, and when they have said so
  const FORGOTTEN = 150000; // milliseconds without a word: a tab in the background speaks once a minute
  let isLeader = false;
  let isOpen = false; // whether the token is right
  let current = null; // stops listening, to ask for other places
  let asked = ""; // the places that have been asked for
  const taps = () => [...new Set([...plotted.keys(), ...[...others.values()].flatMap((it) => it.taps)])];
  const words = () => taps().slice(0, MOST_TAPS).map((id) => `tap=${encodeURIComponent(id)}`).sort().join("&");
  const wish = () => {
    if (!isLeader) channel.postMessage({ from: me, taps: [...plotted.keys()] });
    else if (words() !== asked) current?.abort();
  };
  const tell = (name, data) => {
    handle[name]?.(data);
    if (others.size) channel.postMessage({ name, data });
  };
  channel.addEventListener("message", ({ data: { from, taps: places, name, data, who, bye } }) => {
    if (!isOpen) return;
    if (who) wish();
    else if (!isLeader) handle[name]?.(data);
    else if (bye) others.delete(bye);
    else if (from) others.set(from, { taps: places, at: Date.now() });
    if (isLeader) wish();
  });
  addEventListener("pagehide", () => channel.postMessage({ bye: me }));
  setInterval(() => {
    others.forEach((it, tab) => { if (Date.now() - it.at > FORGOTTEN) others.delete(tab); });
    if (isOpen) wish();
  }, 10000);

  // It is read by hand, since the token belongs into a header.
  const listen = async (signal) => {
    asked = words();
    const answer = await ask(`/api/stream?${asked}`, { signal });
    if (answer.status === 401) return false;
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
        if (name) tell(name, JSON.parse(data));
      }
    }
  };
  const run = async () => {
    isLeader = true;
    channel.postMessage({ who: me });
    for (let wait = 500; ; wait = Math.min(wait * 2, 10000)) {
      const began = Date.now();
      current = new AbortController();
      try {
        if (!(await listen(current.signal))) break;
      } catch (error) {
        if (current.signal.aborted) {
          wait = 250;
          continue;
        }
        tell("lost", { why: error.message });
      }
      if (Date.now() - began > 10000) wait = 500;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
    isLeader = isOpen = false;
    askForToken();
  };

  const open = async () => {
    try {
      const answer = await ask("/api/about");
      if (answer.status === 401) return askForToken();
      const about = await answer.json();
      at("title").textContent = document.title = about.title;
      hasControl = about.has_control;
      ({ pasts, units } = about);
      fill(at("buttons"), makeButtons(about.buttons));
      at("controls").hidden = !hasControl;
    } catch {
      // The stream tries again, and says what is wrong.
    }
    isOpen = true;
    wish();
    if (navigator.locks) navigator.locks.request("stream", run);
    else run();
  };
  takeToken(); // there is none where whoever may connect may look
  open();
})();
