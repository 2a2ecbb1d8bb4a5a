//! The playground in a real browser, used as a teacher would.
#![cfg(all(unix, feature = "serve"))]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::playground::Playground;
use common::root;
use common::webdriver::{Browser, key};
use serde_json::{Value, json};

/// The control with this name.
fn control(name: &str) -> String {
    format!("[data-key='{name}']")
}

/// A browser with the page ready.
fn open(playground: &Playground, width: u32, height: u32) -> Option<Browser> {
    let browser = Browser::open(width, height)?;
    browser.go(&playground.url());
    browser.wait_for("document.getElementById('result').textContent.startsWith('Change something')");
    Some(browser)
}

/// Clicks, and waits until the server has answered.
fn click(browser: &Browser, selector: &str) {
    let before = browser.text("#result");
    browser.eval("document.getElementById('result').className = 'waiting'");
    browser.click(selector);
    answered(browser, &before);
}

fn answered(browser: &Browser, before: &str) {
    browser.wait_for("document.getElementById('result').className !== 'waiting' && !document.body.ariaBusy");
    assert_ne!(browser.text("#result"), before, "something was said");
}

/// The mode shown as the port's.
fn mode(browser: &Browser, port: &str) -> Value {
    browser.eval(&format!(
        "return document.querySelector('[aria-label=\"Mode of {port}\"] [aria-pressed=true]').textContent"
    ))
}

fn result(browser: &Browser) -> String {
    browser.text("#result")
}

/// Runs a probe, and returns the result.
fn ping(browser: &Browser) -> String {
    browser.eval("document.getElementById('result').textContent = ''");
    click(browser, &control("ask go"));
    result(browser)
}

#[test]
fn hairpin_turns_the_failing_ping_into_a_reply() {
    let playground = Playground::start(root(), &[]);
    let Some(browser) = open(&playground, 1440, 1000) else { return };
    assert_eq!(
        browser.eval("return document.title"),
        "The classic set-up: two ports on one NIC, behind a switch – macvlab play"
    );
    let failed = ping(&browser);
    assert!(
        failed.starts_with("✗ c1 pings c2: unreachable") && failed.contains("R126 Not back out of"),
        "{failed}"
    );
    assert!(failed.contains("hairpin is off there"), "{failed}");
    // The viewer plays it.
    browser.wait_for("macvlab.viewer.playing && macvlab.viewer.index > 0");
    assert!(browser.text(".stage").contains("hairpin off"));

    browser.click(&control("help"));
    browser.wait_for("!document.getElementById('help').hidden");
    let help = browser.text("#help");
    assert!(help.contains("Set c1 and c2 to mode bridge.") && help.contains("hairpin on"), "{help}");

    click(&browser, &control("flag sw0.eth0 hairpin"));
    assert!(result(&browser).starts_with("✓ sw0: hairpin on"), "{}", result(&browser));
    browser.wait_for("document.querySelector('.stage').textContent.includes('hairpin on')");
    let reply = ping(&browser);
    assert!(reply.starts_with("✓ c1 pings c2: a reply after 0.008 ms.") && reply.contains("R19"), "{reply}");

    click(&browser, &control("flush c1"));
    assert!(result(&browser).starts_with("✓ c1 forgets its neighbours"), "{}", result(&browser));
    browser.press_with(key::CONTROL, 'z');
    browser.wait_for("document.getElementById('result').textContent.startsWith('Undone')");

    // Undone by keyboard, c1 does not know its neighbour; and as a private port it never will.
    browser.eval("document.getElementById('result').textContent = ''");
    browser.press_with(key::CONTROL, 'z');
    browser.wait_for("document.getElementById('result').textContent.startsWith('Undone')");
    click(&browser, &control("mode c1 private"));
    assert!(result(&browser).contains("c1 changes to mode private"), "{}", result(&browser));
    let blocked = ping(&browser);
    assert!(blocked.starts_with("✗ c1 pings c2: unreachable") && blocked.contains("R17"), "{blocked}");
    for _ in 0..2 {
        browser.eval("document.getElementById('result').textContent = ''");
        click(&browser, "#undo");
    }
    assert_eq!(mode(&browser, "c1"), "vepa");
    // The focus is unchanged; Enter runs it again.
    browser.eval(&format!("document.querySelector(\"{}\").focus()", control("ask go")));
    browser.press([key::ENTER]);
    browser.wait_for("document.getElementById('result').textContent.startsWith('✓ c1 pings c2: a reply')");
    assert_eq!(browser.eval("return document.activeElement.dataset.key"), "ask go");
    assert_eq!(browser.console(), [""; 0]);
}

/// Waits for the answer to what this script does.
fn does(browser: &Browser, script: &str) -> String {
    browser.eval("document.getElementById('result').className = 'waiting'");
    browser.eval(script);
    answered(browser, "");
    result(browser)
}

#[test]
fn a_cables_end_and_a_dragged_mode_are_steps() {
    let playground = Playground::start(root(), &[]);
    let Some(browser) = open(&playground, 1400, 900) else { return };
    // It opens with what to try, and nothing that it says later moves the diagram or hides its controls.
    let tries = result(&browser);
    assert!(tries.contains("Try: c1 pings c2Turn hairpin on at sw0.eth0"), "{tries}");
    let place = "const box = (e) => document.querySelector(e).getBoundingClientRect();
                 return [box('.stage').top, box('.stage').height, box('.controls').bottom <= innerHeight]";
    let before = browser.eval(place);
    assert_eq!(before[2], json!(true));
    click(&browser, &control("try ask"));
    assert!(result(&browser).starts_with("✗ c1 pings c2: unreachable"), "{}", result(&browser));
    browser.click(&control("help"));
    browser.wait_for("!document.getElementById('help').hidden");
    assert_eq!(browser.eval(place), before);

    let end = "document.querySelector('#viewer [data-device=\"sw0.eth0\"]')
                   .dispatchEvent(new MouseEvent('click', { bubbles: true }))";
    let told = does(&browser, end);
    assert!(told.starts_with("✓ sw0: hairpin on"), "{told}");
    let drag = "const data = new DataTransfer();
        const drag = (type, on) =>
            on.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
        drag('dragstart', [...document.querySelectorAll('.chip')].find((chip) => chip.textContent === 'private'));
        const nic = document.querySelector('#viewer [data-device=eth0] *');
        drag('dragover', nic);
        drag('drop', nic);";
    let told = does(&browser, drag);
    assert!(told.starts_with("✓ macvlan c3 is added on eth0 in mode private"), "{told}");

    // c1's request, forged on the wire: c2 answers.
    browser.click(&control("section frame"));
    for (field, value) in [("at", "eth0"), ("kind", "an ARP"), ("to", "c2"), ("as", "c1")] {
        browser.fill(&control(&format!("frame {field}")), value);
    }
    browser.click(&control("frame wire"));
    click(&browser, &control("frame go"));
    let told = result(&browser);
    assert!(told.contains("delivered to c2 and eth0; answered by c2"), "{told}");
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn a_refusal_is_explained_and_nothing_has_changed() {
    let playground = Playground::start(root(), &[]);
    let Some(browser) = open(&playground, 1440, 1000) else { return };
    browser.click(&control("section add"));
    browser.fill(&control("add mode"), "passthru");
    click(&browser, &control("add go"));
    let refused = result(&browser);
    assert!(refused.contains("refused with EINVAL (Invalid argument): R50"), "{refused}");
    assert!(refused.contains("A passthru port is the only port on its parent"), "{refused}");
    assert_eq!(browser.eval("return document.getElementById('result').getAttribute('aria-live')"), "polite");
    click(&browser, &control("mode c1 passthru"));
    assert!(result(&browser).contains("refused with EINVAL"), "{}", result(&browser));
    // The mode shown is the port's current one, not the requested one; and the focus is unchanged.
    assert_eq!(mode(&browser, "c1"), "vepa");
    assert_eq!(browser.eval("return document.activeElement.dataset.key"), "mode c1 passthru");
    // The form proposes the next free name; adding can be undone as well.
    browser.fill(&control("add mode"), "bridge");
    click(&browser, &control("add go"));
    assert!(
        result(&browser).contains("macvlan c3 is added on eth0 in mode bridge: done"),
        "{}",
        result(&browser)
    );
    click(&browser, &control("remove c3"));
    assert!(result(&browser).contains("c3 is removed"), "{}", result(&browser));
    assert_eq!(browser.eval("return document.activeElement.dataset.key"), "section ports");
    assert_eq!(browser.console(), [""; 0]);

    // Any step can be typed, and an error is explained.
    browser.click(&control("section step"));
    browser.fill(&control("step text"), "ping = { from = \"c1\", to = \"c9\" }");
    click(&browser, &control("step go"));
    assert!(result(&browser).contains("there is no device `c9`: did you mean `c1`?"), "{}", result(&browser));
    browser.eval(&format!("document.querySelector(\"{}\").value = ''", control("step text")));
    browser.fill(&control("step text"), "ping = { from = \"c1\", to = \"win\", count = 2 }");
    click(&browser, &control("step go"));
    assert!(result(&browser).starts_with("✓ c1 pings win 2 times: a reply"), "{}", result(&browser));
    // Invalid frames are left to the kernel's rules.
    browser.click(&control("section frame"));
    browser.fill(&control("frame kind"), "these bytes");
    browser.fill(&control("frame hex"), "ffff ffff ffff 0242 c0a8 80de 88b5");
    click(&browser, &control("frame go"));
    assert!(result(&browser).contains("delivered to win"), "{}", result(&browser));
}

#[test]
fn hostile_names_are_text() {
    let dir = tempfile::tempdir().unwrap();
    let lab = "title = '</script><img src=x onerror=\"window.hacked = 1\"><b>bold</b>'\n\
               [nic.'\"><script>']\naddress = '192.0.2.1/24'\n\
               [macvlan.\"<b>'`${x}\"]\nparent = '\"><script>'\naddress = '192.0.2.2/24'\n\
               [macvlan.'__proto__']\nparent = '\"><script>'\naddress = '192.0.2.3/24'\n\
               [switch.'<i>'.port.'\"><script>']\n";
    std::fs::write(dir.path().join("lab.toml"), lab).unwrap();
    let playground = Playground::start(dir.path(), &["lab.toml"]);
    let Some(browser) = open(&playground, 1440, 1000) else { return };
    assert!(browser.text("#title").contains("onerror=\"window.hacked = 1\""));
    let failed = ping(&browser);
    assert!(failed.contains("<b>'`${x} pings __proto__: unreachable"), "{failed}");
    assert!(failed.contains("at <i>.\"><script>"), "{failed}");
    browser.click("#panel .device input[type=checkbox]");
    browser.wait_for("document.getElementById('result').textContent.includes('goes down')");
    let made = "return document.querySelectorAll('#panel b, #panel i, main img, main script, #top b, #top img, #result b, #result i').length";
    assert_eq!(browser.eval(made), json!(0));
    assert_eq!(browser.eval("return window.hacked"), Value::Null);
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn it_fits_a_phone() {
    let playground = Playground::start(root(), &["fixtures/labs/arp-vepa.toml"]);
    let Some(browser) = open(&playground, 360, 800) else { return };
    let wide = "return document.documentElement.scrollWidth - innerWidth";
    assert_eq!(browser.eval(wide), json!(0));
    browser.eval("document.querySelectorAll('#panel details').forEach((d) => { d.open = true; })");
    assert_eq!(browser.eval(wide), json!(0));
    ping(&browser);
    assert_eq!(browser.eval(wide), json!(0));
    // The result is visible, and so is the lab.
    let top = "return document.getElementById('result').getBoundingClientRect().top";
    assert_eq!(browser.eval(top), json!(0));
    browser.wait_for("document.querySelector('.stage').getBoundingClientRect().top < innerHeight");
    assert_eq!(browser.console(), [""; 0]);
}

/// As `macvlab play` opens it, while other clients hold all the connections that they can get.
#[cfg(target_os = "linux")]
#[test]
fn the_page_is_opened_and_used_while_others_crowd_in() {
    use std::io::Write as _;
    use std::net::TcpStream;
    use std::sync::atomic::{AtomicBool, Ordering};

    let dir = tempfile::tempdir().unwrap();
    let (playground, told) = Playground::opened(dir.path());
    let Some(browser) = Browser::open(1440, 1000) else { return };
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let mut held = std::collections::VecDeque::new();
                while !ended.load(Ordering::Relaxed) {
                    if let Ok(mut stream) = TcpStream::connect(&playground.host) {
                        let _ = stream.write_all(b"GET / HTTP/1.1\r\n");
                        held.push_back(stream);
                    }
                    if held.len() > 4 {
                        held.pop_front();
                    }
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
            });
        }
        let used = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            browser.go(&told);
            let ready = "document.getElementById('result')?.textContent.startsWith('Change something')";
            browser.wait_for(ready);
            assert_eq!(browser.eval("return location.href"), playground.url());
            let failed = ping(&browser);
            assert!(failed.starts_with("✗ c1 pings c2: unreachable"), "{failed}");
        }));
        ended.store(true, Ordering::Relaxed);
        used.unwrap_or_else(|wrong| std::panic::resume_unwind(wrong));
    });
}

#[test]
fn the_active_port_of_a_bond_is_a_button() {
    let playground = Playground::start(root(), &["fixtures/labs/bond-failover.toml"]);
    let Some(browser) = open(&playground, 1440, 1000) else { return };
    let active = || {
        let pressed = "[aria-label=\"Active port of bond0\"] [aria-pressed=true]";
        browser.eval(&format!("return document.querySelector('{pressed}').textContent"))
    };
    assert_eq!(active(), "eth0");
    browser.eval(&format!("document.querySelector(\"{}\").click()", control("section others")));
    click(&browser, &control("active bond0 eth1"));
    assert!(result(&browser).contains("eth1 becomes the active port of bond0"), "{}", result(&browser));
    assert_eq!(active(), "eth1");
    assert_eq!(browser.console(), [""; 0]);
}

/// Opens a text as one pastes it.
fn paste(browser: &Browser, text: &str) {
    browser.click("#paste");
    browser.eval(&format!("document.querySelector('#open textarea').value = {}", Value::from(text)));
    click(browser, "#open button[type=submit]");
}

#[test]
fn what_is_pasted_is_diagnosed_and_a_remedy_is_applied() {
    let playground = Playground::start(root(), &[]);
    let Some(browser) = open(&playground, 1400, 900) else { return };
    let text = "ip netns add c1\nip netns add c2\n\
                ip link add m1 link eth0 netns c1 type macvlan mode vepa\n\
                ip link add m2 link eth0 netns c2 type macvlan mode vepa\n\
                ip -n c1 addr add 192.168.128.222/24 dev m1\nip -n c2 addr add 192.168.128.233/24 dev m2\n\
                ip -n c1 link set m1 up\nip -n c2 link set m2 up\n";
    paste(&browser, text);
    browser.wait_for("document.querySelector('#findings li')");
    assert!(browser.text("#findings").contains("c1 does not reach c2"), "{}", browser.text("#findings"));
    browser.eval(
        "const all = [...document.querySelectorAll('#findings details')]; \
         all.find((one) => one.textContent.includes('hairpin')).open = true",
    );
    browser.eval("document.querySelector('#findings details[open] button').click()");
    browser.wait_for("document.getElementById('result').textContent.includes('c1 pings c2: a reply')");
    assert!(playground.get("lab.toml", "").2.contains("hairpin = true"));
}

#[test]
fn what_is_pasted_is_text_and_what_cannot_be_opened_is_said() {
    let playground = Playground::start(root(), &[]);
    let Some(browser) = open(&playground, 1400, 900) else { return };
    let name = "<img src=x onerror=alert(1)>";
    paste(
        &browser,
        &format!(
            "services:\n  web:\n    image: x\n    container_name: '{name}'\n    networks: [lan]\nnetworks:\n  lan:\n    driver: macvlan\n    driver_opts: {{ parent: '<script>alert(2)</script>' }}\n"
        ),
    );
    browser.wait_for("!document.getElementById('findings').textContent.startsWith('Looking')");
    assert_eq!(
        browser.eval("return document.querySelectorAll('img, #viewer script, #side script').length"),
        0
    );
    let long = "[".repeat(200_000);
    for (text, said) in
        [("", "nothing in the text"), ("good day", "no lab file"), (long.as_str(), "Not done")]
    {
        browser.eval("document.getElementById('open').hidden = true");
        paste(&browser, text);
        assert!(result(&browser).contains(said), "{said}: {}", result(&browser));
    }
}

/// Runs of English words on the page that are no names, modes or keywords.
fn english(browser: &Browser) -> Vec<String> {
    const SAME: [&str; 2] = ["macvlab play", "win station"];
    // Commands are the same in all languages.
    let text = browser.eval(
        "const commands = [...document.querySelectorAll('pre, code')].map((one) => one.innerText); \
         return commands.reduce((text, one) => text.replace(one, ''), document.body.innerText)",
    );
    let is_word = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_alphabetic());
    let lines = text
        .as_str()
        .unwrap()
        .lines()
        .flat_map(|line| line.split(|c: char| !c.is_ascii() || ":.,;()".contains(c)));
    lines
        .filter(|run| run.split(' ').collect::<Vec<_>>().windows(2).any(|two| two.iter().all(is_word)))
        .map(|run| run.trim().to_owned())
        .filter(|run| !SAME.contains(&run.as_str()))
        .collect()
}

fn speak(browser: &Browser, tag: &str) {
    browser.eval(&format!(
        "const choice = document.getElementById('language'); choice.value = '{tag}'; \
         choice.dispatchEvent(new Event('change'))"
    ));
    browser.wait_for(&format!("document.documentElement.lang === '{tag}' && !document.body.ariaBusy"));
}

#[test]
fn the_page_is_in_the_language_that_is_chosen() {
    let playground = Playground::start(root(), &[]);
    let Some(browser) = open(&playground, 1400, 900) else { return };
    assert_eq!(browser.eval("return document.documentElement.lang"), "en");
    speak(&browser, "zh-CN");
    assert!(result(&browser).starts_with("改一处，问一问，看结果。"), "{}", result(&browser));
    assert_eq!(english(&browser), [""; 0]);

    let failed = ping(&browser);
    assert!(failed.starts_with("✗ c1 ping c2： 不可达：没有邻居应答。"), "{failed}");
    browser.click(&control("help"));
    browser.wait_for("!document.getElementById('help').hidden");
    assert!(browser.text("#help").contains("把 c1 和 c2 设为 bridge 模式。"), "{}", browser.text("#help"));
    browser.eval("document.querySelectorAll('#panel details').forEach((one) => { one.open = true; })");
    assert_eq!(english(&browser), [""; 0]);
    assert_eq!(browser.console(), [""; 0]);
    // A refusal's sentence, too.
    browser.fill(&control("step text"), "ping = { from = \"c1\", to = \"c9\" }");
    click(&browser, &control("step go"));
    assert!(result(&browser).starts_with("✗ 未执行： 没有设备 `c9`"), "{}", result(&browser));

    // What is asked next is in this language after a reload, and in English after the switch back.
    browser.go(&playground.url());
    browser.wait_for(
        "document.documentElement.lang === 'zh-CN' && document.getElementById('result').textContent",
    );
    assert_eq!(browser.text("#undo"), "撤销");
    speak(&browser, "en");
    assert!(result(&browser).starts_with("✗ c1 pings c2: unreachable"), "{}", result(&browser));
    assert_eq!(browser.text("#undo"), "Undo");
    assert_eq!(
        browser.eval("return document.getElementById('viewer').innerText.match(/[\\u4e00-\\u9fff]/)"),
        Value::Null
    );
}
