//! The page in a real browser: Chromium without a window.

mod chromium;
mod day;
mod program;

use std::fs;
use std::path::Path;

use chromium::{Chromium, Done, Tab};
use program::{EVIL, Program, TOKEN};
use serde_json::{Value, json};

/// The button of a row, by what it is called for those who do not see it.
fn button(label: &str) -> String {
    format!("document.querySelector('button[aria-label={}]')", json!(label))
}

fn text_of(selector: &str) -> String {
    format!("document.querySelector('{selector}').textContent")
}

const RUNNING: &str = "document.getElementById('word').textContent === 'running'";

/// Nothing has gone wrong in a tab, and it has asked nobody but the program.
fn is_clean(browser: &mut Chromium, tab: &Tab, program: &Program) {
    let heard = browser.heard(tab);
    assert_eq!(heard.complaints, [""; 0]);
    let own = [format!("http://{}/", program.address), format!("blob:http://{}/", program.address)];
    let foreign: Vec<_> = heard.requests.iter().filter(|url| !own.iter().any(|own| url.starts_with(own))).collect();
    assert!(foreign.is_empty() && !heard.requests.is_empty(), "{foreign:?}");
    assert!(heard.requests.iter().all(|url| !url.contains(TOKEN)), "the token is no part of a request's address");
}

#[test]
fn s06_s07_every_control_does_what_it_says() -> Done {
    let program = Program::start("127.0.0.1:0")?;
    let mut browser = Chromium::start()?;
    let tab = browser.open(&format!("http://{}/", program.address))?;
    for token in ["a-wrong-one-of-some-length", TOKEN] {
        browser.until(&tab, "!document.getElementById('ask').hidden")?;
        browser.value(&tab, &format!("document.getElementById('token').value = '{token}'"))?;
        browser.click(&tab, "document.querySelector('#token-form button')")?;
    }
    browser.until(&tab, RUNNING)?;
    let complaints = std::mem::take(&mut browser.heard(&tab).complaints);
    assert!(
        complaints.iter().all(|text| text.contains("401")),
        "only of the missing and of the wrong token: {complaints:?}"
    );

    plots(&mut browser, &tab)?;
    browser.click(&tab, "document.getElementById('all')")?;
    browser
        .until(&tab, "[...document.querySelectorAll('#places th')].some((it) => it.textContent === 'running_avg')")?;
    browser.until(&tab, &format!("document.getElementById('places').textContent.includes({})", json!(EVIL)))?;
    sensors(&mut browser, &tab)?;
    schedules(&mut browser, &tab)?;
    offers(&mut browser, &tab)?;
    let pictures = browser.value(&tab, "[...document.images].map((it) => it.id).join()")?;
    assert_eq!(pictures, "drawing", "a name is text");
    browser.until(&tab, &format!("{}.includes('broken: the last')", text_of("#problems")))?;
    is_clean(&mut browser, &tab, &program);
    Ok(())
}

/// Plots come and go, one for each place or all on one axis, and one that has been zoomed stays so.
fn plots(browser: &mut Chromium, tab: &Tab) -> Done {
    for place in ["average", "room"] {
        browser.until(tab, &button(&format!("plot {place}")))?;
        browser.click(tab, &button(&format!("plot {place}")))?;
        browser.until(tab, &format!("{}.getAttribute('aria-pressed') === 'true'", button(&format!("plot {place}"))))?;
    }
    browser.until(
        tab,
        "[...document.querySelectorAll('.plot p')].filter((it) => it.textContent.startsWith('now ')).length === 2",
    )?;
    browser.until(tab, "location.hash === '#plot=average&plot=room'")?;
    the_past(browser, tab)?;
    browser.click(tab, "document.getElementById('together')")?;
    browser.until(
        tab,
        "document.querySelectorAll('.plot').length === 1 && document.querySelectorAll('.u-series').length === 3",
    )?;
    browser.click(tab, "document.getElementById('together')")?;
    browser.click(tab, &button("plot room"))?;
    browser.until(tab, "document.querySelectorAll('.plot').length === 1 && location.hash === '#plot=average'").map(drop)
}

/// A plot begins before the page was opened, as long ago as is asked for, with a gap where nothing came; a part is seen closer.
fn the_past(browser: &mut Chromium, tab: &Tab) -> Done {
    let points = "Number(document.querySelector('.plot').dataset.points)";
    let reach = |seconds: u32| {
        format!(
            "(() => {{ const it = document.getElementById('reach'); it.value = {seconds}; it.dispatchEvent(new Event('change')); }})()"
        )
    };
    browser.until(tab, &format!("{points} > 400"))?; // two of each piece of an hour, since all are the same
    browser.value(tab, &reach(86_400))?;
    browser.until(tab, &format!("{points} > 500"))?;
    picture(browser, tab, "past")?;
    let before = browser.value(tab, points)?.as_u64().ok_or("a number")?;
    browser.drag(tab, "document.querySelector('.u-over')", 0.2, 0.4)?;
    browser.until(tab, &format!("{points} > {before} + 150"))?;
    picture(browser, tab, "zoomed")?;
    browser.value(tab, &reach(600))?;
    browser.until(tab, &format!("{points} < {before}"))?;
    let double = "document.querySelector('.u-over').dispatchEvent(new MouseEvent('dblclick', { bubbles: true }))";
    browser.value(tab, double).map(drop)
}

/// Keeps what a tab shows, if somebody wants to see it: in the folder that `THINGFLOW_PICTURES` names.
fn picture(browser: &mut Chromium, tab: &Tab, name: &str) -> Done {
    let Some(folder) = std::env::var_os("THINGFLOW_PICTURES") else { return Ok(()) };
    Ok(fs::write(Path::new(&folder).join(name).with_extension("png"), browser.picture(tab)?)?)
}

/// The cells of a row of a table but for its buttons, by its name.
fn cells(body: &str, name: &str) -> String {
    format!(
        "[...document.querySelectorAll('#{body} tr')].filter((it) => it.cells[0].textContent === {}).flatMap((it) => [...it.cells].map((cell) => cell.textContent))",
        json!(name)
    )
}

/// What each sensor has sent last, with unit, age and mark; one that falls silent is said to be stale.
fn sensors(browser: &mut Chromium, tab: &Tab) -> Done {
    let room = cells("sensors", "room");
    browser.until(tab, &format!("/^[0-9.]+ °C$/.test({room}[1]) && /^0.[0-9] s$/.test({room}[2])"))?;
    browser.until(tab, &format!("{room}[4] === '● fresh'"))?;
    browser.until(tab, &format!("{}.slice(1, 4).includes('▲ suspect')", cells("sensors", "checked")))?;
    browser.until(tab, &format!("{}[1] === '17.25'", cells("sensors", "checked")))?;
    browser.until(tab, &format!("{}[4] === '… nothing yet'", cells("sensors", "broken")))?;
    browser.click(tab, &button("pause room"))?;
    browser.until(tab, &format!("{room}[4] === '▲ stale'"))?;
    browser.until(tab, &format!("{}.includes('room is stale')", text_of("#problems")))?;
    picture(browser, tab, "sensors")?;
    browser.click(tab, &button("resume room"))?;
    browser.until(tab, &format!("{room}[4] === '● fresh'")).map(drop)
}

/// A slider moves what the program reads, a button is pressed, and what has become of an output's events is told.
fn offers(browser: &mut Chromium, tab: &Tab) -> Done {
    let row = |body: &str, name: &str| {
        format!("[...document.querySelectorAll('#{body} tr')].find((it) => it.cells[0].textContent === '{name}')")
    };
    browser.until(tab, &format!("{}.textContent.includes('○ off')", row("places", "lamp")))?;
    browser.click(tab, "document.querySelector('#sliders input')")?; // into the middle
    browser.press(tab, "Right")?;
    browser.until(tab, &format!("{}.textContent.includes('● on')", row("places", "lamp")))?;
    assert_eq!(browser.value(tab, "document.querySelector('#sliders output').textContent")?, "50.5");
    let outputs = |delivered: u32| format!("{}?.cells[2].textContent === '{delivered}'", row("outputs", "cloud"));
    browser.until(tab, &outputs(0))?;
    browser.click(tab, "document.querySelector('#buttons button')")?;
    browser.until(tab, &outputs(1))?;
    browser.until(tab, &format!("{}.startsWith('“flush” was pressed at ')", text_of("#pressed")))?;
    assert_eq!(browser.value(tab, &format!("{}.cells[9].textContent", row("outputs", "cloud")))?, "yes");
    assert_eq!(browser.value(tab, &format!("{}[5]", cells("outputs", "cloud")))?, "2 h");
    picture(browser, tab, "offers")
}

/// A schedule is paused, goes on, and is ended only if that was meant.
fn schedules(browser: &mut Chromium, tab: &Tab) -> Done {
    let state = |state: &str| {
        format!(
            "[...document.querySelectorAll('#schedules tr')].some((it) => it.cells[0].textContent === 'room' && it.cells[2].textContent === '{state}')"
        )
    };
    browser.click(tab, &button("pause room"))?;
    browser.until(tab, &state("paused"))?;
    browser.click(tab, &button("resume room"))?;
    browser.until(tab, &state("running"))?;
    browser.agrees = false;
    browser.click(tab, &button("end room"))?;
    browser.agrees = true;
    browser.click(tab, &button(&format!("end {EVIL}")))?;
    browser.until(tab, &format!("!{}", button(&format!("end {EVIL}"))))?;
    browser.until(tab, &state("running"))?;
    let dialogs = std::mem::take(&mut browser.heard(tab).dialogs);
    assert!(dialogs.len() == 2 && dialogs[0].contains("“room”"), "{dialogs:?}");
    Ok(())
}

#[test]
fn s08_seven_tabs_work_and_all_of_them_find_a_program_that_is_started_anew() -> Done {
    let program = Program::start("127.0.0.1:0")?;
    let mut browser = Chromium::start()?;
    let plot = format!("{}&plot=average", program.url);
    let tabs = (0..7).map(|_| browser.open(&plot)).collect::<Done<Vec<_>>>()?;
    let now = format!("document.querySelector('.plot p') && {}.startsWith('now ')", text_of(".plot p"));
    for tab in &tabs {
        browser.until(tab, RUNNING)?;
        browser.until(tab, &now)?;
    }
    tabs.iter().for_each(|tab| is_clean(&mut browser, tab, &program));

    let address = program.address.clone();
    drop(program);
    for tab in &tabs {
        browser.until(tab, &format!("{}.startsWith('no connection')", text_of("#word")))?;
    }
    let program = Program::start(&address)?;
    for tab in &tabs {
        browser.until(tab, RUNNING)?;
        let before = browser.value(tab, &text_of(".plot p"))?;
        browser.until(tab, &format!("{} !== {before}", text_of(".plot p")))?; // it goes on by itself
        let complaints = std::mem::take(&mut browser.heard(tab).complaints);
        assert!(complaints.iter().all(|text| text.contains("net::ERR_")), "only that nobody answers: {complaints:?}");
    }
    for tab in tabs {
        is_clean(&mut browser, &tab, &program);
        browser.close(&tab)?;
    }
    Ok(())
}

/// What accessibility rules of weight say, which are those of axe-core.
fn serious(browser: &mut Chromium, tab: &Tab) -> Done<Value> {
    let rules = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("axe-core").join("axe.min.js");
    let rules = fs::read_to_string(&rules)
        .map_err(|error| format!("{}: {error}: `cargo xtask setup --browser` puts it there", rules.display()))?;
    browser.value(tab, &format!("if (!window.axe) {{ {rules} }}; undefined"))?;
    browser.value(
        tab,
        "axe.run().then(({ violations }) => violations.filter((it) => ['serious', 'critical'].includes(it.impact))
           .map((it) => `${it.id}: ${it.nodes.map((node) => node.html + node.failureSummary).join(' ')}`))",
    )
}

#[test]
fn it_serves_the_eye_the_ear_and_the_thumb() -> Done {
    let program = Program::start("127.0.0.1:0")?;
    let mut browser = Chromium::start()?;
    let tab = browser.open(&format!("{}&plot=average", program.url))?;
    browser.until(&tab, RUNNING)?;
    browser.until(&tab, "document.querySelector('.plot p')")?;
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        browser.prefer(&tab, scheme)?;
        for (width, height) in [(1280, 800), (360, 740)] {
            browser.resize(&tab, width, height)?;
            let wide = browser.value(&tab, "document.documentElement.scrollWidth")?;
            assert!(wide.as_u64() <= Some(width.into()), "{scheme}: it is {wide} wide on a screen of {width}");
            assert_eq!(serious(&mut browser, &tab)?, json!([]), "{scheme}, {width} wide");
        }
        grounds.push(browser.value(&tab, "getComputedStyle(document.body).backgroundColor")?);
    }
    assert_ne!(grounds[0], grounds[1]);

    // By keyboard alone, while the tables change under it.
    let focus = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.id";
    let reach = |browser: &mut Chromium, label: &str| -> Done {
        for _ in 0..60 {
            if browser.value(&tab, focus)? == label {
                let outline = browser.value(&tab, "getComputedStyle(document.activeElement).outlineStyle")?;
                assert_eq!(outline, "solid", "it shows where the focus is");
                return Ok(());
            }
            browser.press(&tab, "Tab")?;
        }
        Err(format!("{label} cannot be reached by keyboard").into())
    };
    reach(&mut browser, "plot room")?;
    browser.press(&tab, "Enter")?;
    browser.until(&tab, "document.querySelectorAll('.plot').length === 2")?;
    reach(&mut browser, "pause room")?;
    browser.press(&tab, "Space")?;
    browser.until(&tab, &button("resume room"))?;
    assert_eq!(browser.value(&tab, focus)?, "resume room", "the focus stays where it was");
    is_clean(&mut browser, &tab, &program);
    Ok(())
}
