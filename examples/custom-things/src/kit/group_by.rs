//! `group_by`: a Thing with as many output ports as there are keys.

use thingflow::kit::Recent;
use thingflow::prelude::*;
use thingflow::{Receipts, Size};

/// Sends the events of each key to a port of its own, and announces each new key.
pub(crate) struct GroupBy<T, K, F> {
    key: F,
    known: Recent<K, Port<T>>,
    groups: Port<(K, Port<T>)>,
}

impl<T: Clone + 'static, K: Ord + Clone + 'static, F: FnMut(&T) -> K> GroupBy<T, K, F> {
    pub(crate) fn new(most: usize, key: F) -> Self {
        Self { key, known: Recent::new(Size::from(most)), groups: Port::new() }
    }

    pub(crate) fn groups(&self) -> &Port<(K, Port<T>)> {
        &self.groups
    }

    fn open(&mut self, key: K, event: T, cx: &mut Context<'_>) -> Receipt {
        let mut receipts = Receipts::default();
        if !self.groups.is_listened() {
            receipts.add(Demand::Done); // nobody wants new groups: the old ones keep their places
            return Ok(self.receipt_of(receipts));
        }
        let mut port = Port::new();
        if let Some((_, silent)) = self.known.insert(key.clone(), port.clone()) {
            silent.complete(cx)?;
        }
        receipts.add(self.groups.emit((key, port.clone()), cx)?);
        receipts.add(port.notice(Notice::Start, cx)?);
        receipts.add(port.emit(event, cx)?);
        Ok(self.receipt_of(receipts))
    }
}

impl<T: Clone + 'static, K: Ord + Clone + 'static, F> Ports for GroupBy<T, K, F> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        self.known.values().for_each(|port| see(port.as_ref()));
        see(self.groups.as_ref());
    }
}

impl<T: Clone + 'static, K: Ord + Clone + 'static, F: FnMut(&T) -> K> InputThing<T> for GroupBy<T, K, F> {
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        let key = (self.key)(&event);
        let Some(port) = self.known.touch(&key) else { return self.open(key, event, cx) };
        let demand = port.emit(event, cx)?;
        Ok(self.receipt_of(demand.into()))
    }
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        self.next(event.clone(), cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        if matches!(notice, Notice::Wake) { Ok(Demand::More) } else { self.tell_ports(notice, cx) }
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.ask_ports(question)
    }
}
