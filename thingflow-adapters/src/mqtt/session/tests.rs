//! Sessions at their limits.

use thingflow_core::Limit;

use super::super::hold::Hold;
use super::super::subscriptions::{Feed, Subscription};
use super::*;

const NOW: Instant = Instant::ZERO;

/// A session by MQTT 3.1.1 that the broker has let in.
fn up(options: Options) -> (Session, Options) {
    let options = options.version(Version::V3_1_1);
    let mut session = Session::new(&options);
    session.greet(&options, None, NOW).unwrap();
    session.sent(session.out.len(), NOW);
    session.hear(&[0x20, 2, 0, 0], &options, NOW).unwrap();
    (session, options)
}

fn options() -> Options {
    Options::new("mqtt://127.0.0.1").unwrap()
}

#[test]
fn a16_with_every_id_in_use_a_message_waits() {
    const MOST: usize = u16::MAX as usize;
    let (mut session, options) = up(options().in_flight(MOST).queue(Limit::block(MOST + 10)));
    session.subscriptions.add(Subscription::new("lamp".to_owned(), Qos::AtLeastOnce, Feed::Birth));
    for n in 0..=MOST {
        let message = Message::new("lux", n.to_string());
        session.enqueue(Outgoing { message, hold: Hold::default(), counts: true }).unwrap();
    }
    let say_all = |session: &mut Session| loop {
        session.say(NOW);
        if session.out.is_empty() {
            return;
        }
        session.sent(session.out.len(), NOW);
    };
    say_all(&mut session);
    assert_eq!(
        (session.outbound.unanswered(), session.waiting()),
        (MOST - 1, MOST + 1),
        "one id is the subscription's"
    );
    session.hear(&[0x90, 3, 0, 1, 1], &options, NOW).unwrap();
    say_all(&mut session);
    assert_eq!((session.outbound.unanswered(), session.waiting()), (MOST, MOST + 1));
}

#[test]
fn a_broker_that_does_not_read_the_answers_that_it_asks_for_is_left() {
    let (mut session, options) = up(options());
    let pubrels = [0x62, 2, 0, 1].repeat(1 << 14); // each is answered
    for _ in 0..6 {
        session.hear(&pubrels, &options, NOW).unwrap();
        session.sent(session.out.len(), NOW);
    }
    let heard = (0..9).map(|_| session.hear(&pubrels, &options, NOW)).take_while(Result::is_ok).count();
    assert_eq!(heard, 4, "an answer for every id");
}
