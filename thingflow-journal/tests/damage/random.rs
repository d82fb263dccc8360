//! Files of random bytes by random names.

use proptest::prelude::*;
use thingflow_journal::model::Model;
use thingflow_journal::{Range, Start, Store, inspect};

use super::{all, journal, options};

/// Names of files that mean something.
fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        (0_u64..5).prop_map(|number| format!("{number:020}.seg")),
        Just(format!("{:020}.seg", u64::MAX)),
        Just("one.pos".to_string()),
        Just("one.pos.new".to_string()),
        Just("lock".to_string()),
        Just("spare.free".to_string()),
        Just("x.bad".to_string()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_as_files_never_panic(files in prop::collection::vec((names(), prop::collection::vec(any::<u8>(), 0..6000)), 0..5)) {
        let disk = Model::new(1);
        files.iter().for_each(|(name, contents)| disk.put(name, contents));
        exercise(&disk);
    }

    #[test]
    fn files_damaged_in_many_places_never_panic(
        closed in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..9000, any::<u8>()), 1..40),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..9000), 0..3),
    ) {
        let disk = journal(400, closed);
        let names = disk.names();
        for (name, offset, mask) in damage {
            disk.damage(&names[name.index(names.len())], offset, mask);
        }
        for (name, len) in cuts {
            let mut contents = disk.contents(&names[name.index(names.len())]).unwrap();
            contents.truncate(len);
            disk.put(&names[name.index(names.len())], &contents);
        }
        exercise(&disk);
    }
}

/// Whatever is on the disk: it is refused by an error, or it works.
fn exercise(disk: &Model) {
    let _ = inspect::list(disk);
    let _ = inspect::check(disk, |_, _| {});
    let _ = inspect::export(disk, Range::all(), |_| {});
    let Ok(mut store) = Store::open(disk.clone(), options()) else { return };
    store.open_consumer("one", Start::Oldest).unwrap();
    let last = all(&mut store).last().map_or(0, |record| record.number);
    let number = store.push(1, b"new").unwrap();
    assert!(number > last);
    store.commit().unwrap();
    assert_eq!(all(&mut store).last().map(|record| record.number), Some(number));
    store.acknowledge("one", number).unwrap();
    let counts = store.counts("one").unwrap();
    assert!(counts.is_conserved() && counts.waiting == 0, "{counts:?}");
    store.close().unwrap();
}
