//! Plots that run for long, on a clock that is faster than that of the wall.

use serde_json::json;

use crate::chromium::{Chromium, Done};
use crate::program::Program;

/// In place of the program's: ten places, each with ten events a second, for hours of these.
const STREAM: &str = r#"
const real = window.fetch;
const ids = [...Array(10).keys()].map((n) => `n${1000 + n}`);
const none = { id: null, kind: "port", operator: null, events: 0, queues: [], tappable: true, probe: null };
const nodes = ids.map((id, n) => ({ ...none, id, name: `p${n}` }));
const snapshot = { timestamp: "2026-01-01T00:00:00Z", graph: { nodes, edges: [] }, schedules: [], errors: [], overruns: [] };
const bytes = new TextEncoder();
const message = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
window.seconds = 0;
window.until = 0;
window.fetch = (path, options) => {
  if (!path.startsWith("/api/stream")) return real(path, options);
  const taps = path.split("tap=").length - 1;
  const body = new ReadableStream({
    start(to) {
      options.signal.addEventListener("abort", () => to.error(new Error("aborted")));
      to.enqueue(bytes.encode(message("snapshot", { snapshot, missed: 0 })));
    },
    async pull(to) {
      if (taps < 10) return new Promise(() => {});
      while (window.seconds >= window.until) await new Promise((yes) => setTimeout(yes, 20));
      let text = "";
      for (let tenth = 0; tenth < 100; tenth++) {
        const at = 1767225600000 + window.seconds * 1000 + tenth * 100;
        for (const id of ids) text += message("seen", { tap: id, at, text: `${(tenth % 50) + 0.5}` });
      }
      window.seconds += 10;
      to.enqueue(bytes.encode(text));
    },
  });
  return Promise.resolve(new Response(body));
};
"#;

#[test]
fn s09_the_memory_of_a_tab_stays_flat_over_hours_of_ten_plots() -> Done {
    let program = Program::start("127.0.0.1:0")?;
    let mut browser = Chromium::start()?;
    let tab = browser.open("about:blank")?;
    browser.on(&tab, "Page.addScriptToEvaluateOnNewDocument", &json!({ "source": STREAM }))?;
    let plots: String = (0..10).map(|n| format!("&plot=p{n}")).collect();
    browser.go(&tab, &format!("{}{plots}", program.url))?;
    let mut used = Vec::new();
    for hour in 1..=4_u64 {
        browser.value(&tab, &format!("window.until = {}", hour * 1800))?;
        browser.until(&tab, "window.seconds === window.until")?;
        browser.until(
            &tab,
            "[...document.querySelectorAll('.plot p')].filter((it) => it.textContent === 'now 49.5').length === 10",
        )?;
        browser.on(&tab, "HeapProfiler.collectGarbage", &json!({}))?;
        used.push(browser.on(&tab, "Runtime.getHeapUsage", &json!({}))?["usedSize"].as_u64().ok_or("a number")?);
    }
    // The plots are full after a sixth of an hour.
    let (least, most) = (used.iter().min().ok_or("a number")?, used.iter().max().ok_or("a number")?);
    assert!(most - least < 3_000_000, "{used:?}");
    assert!(*most < 40_000_000, "{used:?}");
    let (small, large) = (browser.value(&tab, "document.querySelectorAll('*').length")?, 4000);
    assert!(small.as_u64() < Some(large), "{small} elements");
    Ok(())
}
