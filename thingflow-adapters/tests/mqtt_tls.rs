//! MQTT by TLS, against mosquitto: own certificates, those of clients, renewal on disk, a clock that is not set.
#![cfg(all(feature = "mqtt", feature = "tls"))]

mod support;

use std::fs;
use std::time::{Duration, SystemTime};

use support::authority::{Authority, DAY};
use support::bounded::new_scheduler;
use support::mosquitto::Mosquitto;
use support::mqtt::{schedule, when};
use thingflow_adapters::mqtt::{Message, Options, Status};
use thingflow_adapters::net::{Secret, Tls};
use thingflow_core::Backoff;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

/// A broker with TLS that asks for certificates, and the authority that both trust.
fn broker(starts_in: Duration) -> (Mosquitto, Authority) {
    let authority = Authority::new();
    let lines = "cafile FOLDER/ca.pem\ncertfile FOLDER/localhost.pem\nkeyfile FOLDER/localhost.key\n\
                 require_certificate true\nuse_identity_as_username true\nallow_anonymous false\n";
    let broker = Mosquitto::prepared(lines, |folder| {
        authority.write(&folder.join("ca.pem"));
        authority.issue(folder, "localhost", starts_in, DAY);
        authority.issue(folder, "lamp", Duration::ZERO, DAY);
    });
    (broker, authority)
}

fn options(broker: &Mosquitto) -> Options {
    let folder = broker.folder();
    let tls =
        Tls::default().trust_only(folder.join("ca.pem")).identity(folder.join("lamp.pem"), folder.join("lamp.key"));
    let options = Options::new(&format!("mqtts://{}", broker.address())).expect("it is an address");
    let retry = Backoff::constant(Duration::from_millis(20));
    options.tls(tls).retry(retry).retry_setup(retry)
}

/// Publishes one message; what went wrong before it was taken.
fn publish_one(options: Options, before: impl FnOnce(&Scheduler, &Recorder<String>)) -> Vec<String> {
    let mut scheduler = new_scheduler();
    let client = schedule(&scheduler, options);
    let errors = Recorder::new();
    let failed = client.status().filter_map(|status| match status {
        Status::Disconnected { error, .. } => Some(error.to_string()),
        _ => None,
    });
    failed.connect(errors.clone());
    before(&scheduler, &errors);
    scheduler.schedule_recurring(from_iter([Message::new("t", "x")]).connect(client.publisher())).expect("it is new");
    scheduler.run_forever().expect("nothing fatal happens");
    assert_eq!(client.stats().delivered, 1, "{:?}", errors.events().first());
    errors.events()
}

#[test]
fn both_sides_show_their_certificates() {
    let (broker, _) = broker(Duration::ZERO);
    assert_eq!(publish_one(options(&broker), |_, _| {}), Vec::<String>::new());
    assert!(broker.log().contains("u'lamp'"), "{}", broker.log());
}

#[test]
fn a_broker_that_is_not_trusted_is_refused_and_told_apart() {
    let (broker, _) = broker(Duration::ZERO);
    let stranger = broker.folder().join("stranger.pem");
    Authority::new().write(&stranger);
    let mut scheduler = new_scheduler();
    let client = schedule(&scheduler, options(&broker).tls(Tls::default().trust_only(stranger)));
    let (errors, stopper) = (Recorder::new(), scheduler.stopper());
    client.subscribe("x", Default::default()).unwrap().for_each(drop);
    client.status().map(|status| format!("{status:?}")).also_to(errors.clone()).for_each(move |_| stopper.stop());
    scheduler.run_forever().unwrap();
    let told = errors.events().join("\n");
    assert!(
        told.contains("no trust between this client and the server") && told.contains("invalid peer certificate"),
        "{told}"
    );
}

#[test]
fn a_file_that_is_no_certificate_is_named() {
    let (broker, _) = broker(Duration::ZERO);
    let folder = broker.folder().to_owned();
    let path = folder.join("roots.pem");
    fs::copy(folder.join("lamp.key"), &path).unwrap();
    let tls = Tls::default().trust_only(&path).identity(folder.join("lamp.pem"), folder.join("lamp.key"));
    let errors = publish_one(options(&broker).tls(tls), |scheduler, errors| {
        let (errors, key) = (errors.clone(), path.clone());
        when(
            scheduler,
            move || !errors.events().is_empty(),
            move || {
                fs::copy(folder.join("ca.pem"), key).expect("the folder is ours");
            },
        );
    });
    assert!(errors.iter().any(|error| error.contains("roots.pem")), "{errors:?}");
}

/// The broker's certificate begins to be valid while the client tries.
#[test]
fn a23_a_certificate_that_is_not_yet_valid_is_told_apart_and_tried_again() {
    let (broker, _) = broker(DAY + Duration::from_secs(2));
    let errors = publish_one(options(&broker), |_, _| {});
    assert!(errors.iter().all(|error| error.contains("not valid yet: the clock of this machine")), "{errors:?}");
    assert!(!errors.is_empty());
}

#[test]
fn a24_a_certificate_that_is_renewed_on_disk_is_shown_at_the_next_handshake() {
    let (broker, authority) = broker(Duration::ZERO);
    // The one that is there has run out, so the broker refuses it.
    authority.issue(broker.folder(), "lamp", Duration::ZERO, Duration::ZERO);
    let folder = broker.folder().to_owned();
    let tls = Tls::default().identity(folder.join("lamp.pem"), folder.join("lamp.key"));
    let now = || Timestamp::UNIX_EPOCH + SystemTime::UNIX_EPOCH.elapsed().unwrap();
    assert!(tls.expiry().unwrap().unwrap() <= now());
    let errors = publish_one(options(&broker), |scheduler, errors| {
        let errors = errors.clone();
        when(
            scheduler,
            move || !errors.events().is_empty(),
            move || {
                authority.issue(&folder, "lamp", Duration::ZERO, 30 * DAY);
            },
        );
    });
    assert!(!errors.is_empty());
    let left = tls.expiry().unwrap().unwrap().as_nanos() - now().as_nanos();
    assert_eq!(left / 86_400_000_000_000, 29, "days to expiry");
}

#[test]
fn user_and_password_come_from_a_file_and_a_wrong_one_is_told_apart() {
    let broker = Mosquitto::prepared("allow_anonymous false\npassword_file FOLDER/passwords\n", |folder| {
        let passwords = folder.join("passwords");
        let program = std::process::Command::new("mosquitto_passwd")
            .arg("-b")
            .arg("-c")
            .arg(&passwords)
            .args(["pi", "geheim"])
            .status();
        assert!(program.expect("it comes with mosquitto").success());
        fs::set_permissions(&passwords, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("it is ours");
        fs::write(folder.join("secret"), "falsch\n").expect("the folder is ours");
    });
    let secret = broker.folder().join("secret");
    let retry = Backoff::constant(Duration::from_millis(20));
    let options = Options::new(&format!("mqtt://pi@{}", broker.address())).unwrap();
    let options = options.password(Secret::file(&secret)).retry_setup(retry);
    let errors = publish_one(options, |scheduler, errors| {
        let errors = errors.clone();
        when(
            scheduler,
            move || !errors.events().is_empty(),
            move || {
                fs::write(secret, "geheim\n").expect("the folder is ours");
            },
        );
    });
    assert!(errors.iter().all(|error| error.contains("refuses the client") && !error.contains("falsch")), "{errors:?}");
    assert!(!errors.is_empty());
}
