//! [`Chromium`]: a browser without a window, driven by its `DevTools` protocol over a pair of pipes.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) type Done<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// A browser that says nothing for so long hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a page waits for has to come within so many milliseconds.
const PATIENCE_OF_PAGES: u64 = 30_000;

/// The browser. Dropping it ends it.
pub(crate) struct Chromium {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    asked: u64,
    /// What has gone wrong or been asked for in each tab, by its session.
    heard: HashMap<String, Heard>,
    /// Whether dialogs are answered by yes.
    pub(crate) agrees: bool,
    _profile: TempDir,
}

/// What a tab has done so far.
#[derive(Default)]
pub(crate) struct Heard {
    /// Errors and warnings, of the console and of the browser itself.
    pub(crate) complaints: Vec<String>,
    /// What has been requested.
    pub(crate) requests: Vec<String>,
    /// What dialogs have asked.
    pub(crate) dialogs: Vec<String>,
}

/// One of the browser's tabs.
#[derive(Clone)]
pub(crate) struct Tab {
    session: String,
    target: String,
}

impl Chromium {
    pub(crate) fn start() -> Done<Self> {
        let profile = tempfile::tempdir()?;
        // The browser talks by the descriptors 3 and 4.
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec 3<&0 4>&1 </dev/null >/dev/null 2>&1; exec \"$@\"", "sh", "chromium"]);
        shell.args(["--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--no-first-run", "--disable-gpu"]);
        shell.args(["--disable-extensions", "--disable-background-networking", "--disable-component-update"]);
        shell.args([
            "--disable-dev-shm-usage",
            "--disable-background-timer-throttling",
            "--disable-renderer-backgrounding",
        ]);
        shell.arg(format!("--user-data-dir={}", profile.path().display()));
        let mut child = shell.env("HOME", profile.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let to = child.stdin.take().ok_or("a pipe")?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("a pipe")?);
        let (sender, from) = channel();
        thread::spawn(move || -> io::Result<()> {
            loop {
                let mut bytes = Vec::new();
                if stdout.read_until(0, &mut bytes)? == 0 {
                    return Ok(());
                }
                bytes.pop();
                let message = serde_json::from_slice(&bytes)?;
                if sender.send(message).is_err() {
                    return Ok(());
                }
            }
        });
        Ok(Self { child, to, from, asked: 0, heard: HashMap::new(), agrees: true, _profile: profile })
    }

    /// Opens an address in a new tab.
    pub(crate) fn open(&mut self, address: &str) -> Done<Tab> {
        let target = self.call(None, "Target.createTarget", &json!({ "url": "about:blank" }))?;
        let target = target["targetId"].as_str().ok_or("a target")?.to_owned();
        let attach = json!({ "targetId": target, "flatten": true });
        let session =
            self.call(None, "Target.attachToTarget", &attach)?["sessionId"].as_str().ok_or("a session")?.to_owned();
        let tab = Tab { session, target };
        for domain in ["Runtime", "Log", "Network", "Page"] {
            self.on(&tab, &format!("{domain}.enable"), &json!({}))?;
        }
        self.go(&tab, address)?;
        Ok(tab)
    }

    /// Has a tab load an address, as if it had been typed.
    pub(crate) fn go(&mut self, tab: &Tab, address: &str) -> Done {
        let gone = self.on(tab, "Page.navigate", &json!({ "url": address }))?;
        if let Some(error) = gone["errorText"].as_str() {
            return Err(error.into());
        }
        self.until(tab, "document.readyState === 'complete'").map(drop)
    }

    pub(crate) fn close(&mut self, tab: &Tab) -> Done {
        self.call(None, "Target.closeTarget", &json!({ "targetId": tab.target })).map(drop)
    }

    /// What a tab has done so far.
    pub(crate) fn heard(&mut self, tab: &Tab) -> &mut Heard {
        self.heard.entry(tab.session.clone()).or_default()
    }

    /// The value of an expression in a tab, which may be a promise.
    pub(crate) fn value(&mut self, tab: &Tab, expression: &str) -> Done<Value> {
        let question =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let answer = self.on(tab, "Runtime.evaluate", &question)?;
        if let Some(wrong) = answer.get("exceptionDetails") {
            let what = wrong["exception"]["description"].as_str().or(wrong["text"].as_str()).unwrap_or("it failed");
            return Err(format!("{expression}: {what}").into());
        }
        Ok(answer["result"]["value"].clone())
    }

    /// Waits until an expression is true, and gives its value.
    pub(crate) fn until(&mut self, tab: &Tab, expression: &str) -> Done<Value> {
        let wait = format!(
            "new Promise((yes, no) => {{
               const began = Date.now();
               const look = () => {{
                 const value = ({expression});
                 if (value) yes(value);
                 else if (Date.now() - began > {PATIENCE_OF_PAGES}) no(new Error(\"it never was so: \" + document.body.innerText));
                 else setTimeout(look, 20);
               }};
               look();
             }})"
        );
        self.value(tab, &wait)
    }

    /// Clicks with the mouse into the middle of an element, again if it has moved away meanwhile.
    pub(crate) fn click(&mut self, tab: &Tab, element: &str) -> Done {
        let place = format!(
            "(() => {{ const it = {element}; window.isHit = false;
             it.addEventListener('click', () => {{ window.isHit = true; }}, {{ once: true, capture: true }});
             it.scrollIntoView({{ block: 'center', inline: 'center', behavior: 'instant' }});
             const box = it.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        );
        for _ in 0..5 {
            let place = self.value(tab, &place)?;
            for kind in ["mousePressed", "mouseReleased"] {
                let event = json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 });
                self.on(tab, "Input.dispatchMouseEvent", &event)?;
            }
            if self.value(tab, "window.isHit")? == true {
                return Ok(());
            }
        }
        Err(format!("{element} cannot be clicked").into())
    }

    /// Drags the mouse over an element, from one part of its width to another.
    pub(crate) fn drag(&mut self, tab: &Tab, element: &str, from: f64, to: f64) -> Done {
        let place = format!(
            "(() => {{ const it = {element}; it.scrollIntoView({{ block: 'center', behavior: 'instant' }});
             const box = it.getBoundingClientRect(); return [box.x, box.width, box.y + box.height / 2]; }})()"
        );
        let place = self.value(tab, &place)?;
        let (left, width) = (place[0].as_f64().ok_or("a place")?, place[1].as_f64().ok_or("a width")?);
        let moves = [("mouseMoved", from), ("mousePressed", from), ("mouseMoved", to), ("mouseReleased", to)];
        for (kind, part) in moves {
            let event = json!({ "type": kind, "x": left + width * part, "y": place[2], "button": "left", "buttons": 1, "clickCount": 1 });
            self.on(tab, "Input.dispatchMouseEvent", &event)?;
        }
        Ok(())
    }

    /// What a tab shows, all of it, as a PNG.
    pub(crate) fn picture(&mut self, tab: &Tab) -> Done<Vec<u8>> {
        let answer = self.on(tab, "Page.captureScreenshot", &json!({ "captureBeyondViewport": true }))?;
        from_base64(answer["data"].as_str().ok_or("a picture")?).ok_or_else(|| "a picture in base64".into())
    }

    /// Presses a key: `Tab`, `Enter`, `Space`, `Right`, or one that writes its own name.
    pub(crate) fn press(&mut self, tab: &Tab, key: &str) -> Done {
        let (key, code, text, number) = match key {
            "Tab" => ("Tab", "Tab", "", 9),
            "Enter" => ("Enter", "Enter", "\r", 13),
            "Space" => (" ", "Space", " ", 32),
            "Right" => ("ArrowRight", "ArrowRight", "", 39),
            letter => (letter, "", letter, 0),
        };
        let event = |kind: &str, text: &str| json!({ "type": kind, "key": key, "code": code, "text": text, "windowsVirtualKeyCode": number });
        self.on(tab, "Input.dispatchKeyEvent", &event(if text.is_empty() { "rawKeyDown" } else { "keyDown" }, text))?;
        self.on(tab, "Input.dispatchKeyEvent", &event("keyUp", "")).map(drop)
    }

    /// Makes a tab as wide as this; below 600 as on a telephone.
    pub(crate) fn resize(&mut self, tab: &Tab, width: u32, height: u32) -> Done {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.on(tab, "Emulation.setDeviceMetricsOverride", &size).map(drop)
    }

    /// Prefers `light` or `dark`.
    pub(crate) fn prefer(&mut self, tab: &Tab, scheme: &str) -> Done {
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.on(tab, "Emulation.setEmulatedMedia", &media).map(drop)
    }

    /// Asks the `DevTools` of a tab.
    pub(crate) fn on(&mut self, tab: &Tab, method: &str, parameters: &Value) -> Done<Value> {
        self.call(Some(&tab.session), method, parameters)
    }

    fn call(&mut self, session: Option<&str>, method: &str, parameters: &Value) -> Done<Value> {
        let id = self.send(session, method, parameters)?;
        loop {
            let message = self.from.recv_timeout(PATIENCE).map_err(|error| match error {
                RecvTimeoutError::Timeout => format!("{method}: chromium does not answer"),
                RecvTimeoutError::Disconnected => {
                    "chromium has ended, or cannot be started: `cargo xtask setup --browser` installs it".to_owned()
                }
            })?;
            if message["id"] == id {
                let error = &message["error"]["message"];
                return if error.is_null() {
                    Ok(message["result"].clone())
                } else {
                    Err(format!("{method}: {error}").into())
                };
            }
            self.hear(&message)?;
        }
    }

    fn send(&mut self, session: Option<&str>, method: &str, parameters: &Value) -> Done<u64> {
        self.asked += 1;
        let mut message = json!({ "id": self.asked, "method": method, "params": parameters });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        self.to.write_all(format!("{message}\0").as_bytes())?;
        Ok(self.asked)
    }

    fn hear(&mut self, message: &Value) -> Done {
        let (Some(session), Some(method)) = (message["sessionId"].as_str(), message["method"].as_str()) else {
            return Ok(());
        };
        let (session, what) = (session.to_owned(), &message["params"]);
        let heard = self.heard.entry(session.clone()).or_default();
        match method {
            "Runtime.exceptionThrown" => heard.complaints.push(what["exceptionDetails"].to_string()),
            "Runtime.consoleAPICalled" if what["type"] != "log" => heard.complaints.push(what["args"].to_string()),
            "Log.entryAdded" => heard.complaints.push(what["entry"]["text"].to_string()),
            "Network.requestWillBeSent" => {
                heard.requests.push(what["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
            "Page.javascriptDialogOpening" => {
                heard.dialogs.push(what["message"].as_str().unwrap_or_default().to_owned());
                let answer = json!({ "accept": self.agrees });
                self.send(Some(&session), "Page.handleJavaScriptDialog", &answer)?; // its answer is passed over
            }
            _ => {}
        }
        Ok(())
    }
}

pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = letters.iter().position(|it| *it == letter)?;
        bits = (bits << 6 | u32::try_from(value).ok()?) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.send(None, "Browser.close", &json!({}));
        while self.from.recv_timeout(PATIENCE).is_ok() {} // until it has closed its pipe, and with it its files
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
