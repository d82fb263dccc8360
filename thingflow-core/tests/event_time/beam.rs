//! The transcripts of Beam: what comes out after each step.

use thingflow_core::windows::Pane;

use super::{Step, secs, sessions, tens, transcript, values};

#[test]
fn e10_fixed_windows_of_beam() {
    use Step::{Input, Watermark};
    let out = transcript(values(tens()), &[Input(&[1, 2, 3, 10, 11]), Watermark(25)]);
    let expected = [(0, 9, vec![1, 2, 3], Pane::Final), (10, 19, vec![10, 11], Pane::Final)];
    assert_eq!(out[1], expected);
    // What is behind the watermark already, and its window is not: it is no late event.
    let out = transcript(values(tens()), &[Watermark(5), Input(&[2, 3, 7, 8]), Watermark(11)]);
    assert_eq!(out[2], [(0, 9, vec![2, 3, 7, 8], Pane::Final)]);
}

#[test]
fn e10_late_data_of_beam_is_a_correction() {
    use Step::{Input, Watermark};
    let steps = [Input(&[1, 2, 3, 10, 11, 25]), Watermark(100), Input(&[7])];
    let out = transcript(values(tens().corrections(secs(1000))), &steps);
    assert_eq!(out[1].len(), 3);
    assert_eq!(out[2], [(0, 9, vec![1, 2, 3, 7], Pane::Correction)]);
    assert_eq!(transcript(values(tens()), &steps)[2], []); // unless it is asked for
}

#[test]
fn e10_early_and_late_sessions_of_beam() {
    use Step::{Early, Input, Watermark};
    // By the clock, where Beam counts events; its late result after three late events is one for each of them.
    let steps =
        [Input(&[1, 2, 3]), Early, Input(&[4, 5]), Early, Input(&[6]), Watermark(100), Input(&[1]), Input(&[3, 4])];
    let out = transcript(values(sessions().early(secs(1)).corrections(secs(1000))), &steps);
    assert_eq!(out[1], [(1, 12, vec![1, 2, 3], Pane::Early)]);
    assert_eq!(out[3], [(1, 14, vec![1, 2, 3, 4, 5], Pane::Early)]);
    assert_eq!(out[5], [(1, 15, vec![1, 2, 3, 4, 5, 6], Pane::Final)]);
    assert_eq!(out[6], [(1, 15, vec![1, 2, 3, 4, 5, 6, 1], Pane::Correction)]);
    assert_eq!(out[7][1], (1, 15, vec![1, 2, 3, 4, 5, 6, 1, 3, 4], Pane::Correction));
}

#[test]
fn sessions_are_one_when_an_event_comes_between_them() {
    use Step::{Input, Watermark};
    let out = transcript(values(sessions()), &[Input(&[1, 12]), Input(&[8]), Watermark(21), Watermark(22)]);
    assert_eq!((out[2].len(), &out[3][..]), (0, &[(1, 21, vec![1, 12, 8], Pane::Final)][..]));
    // An event at the end of the gap is the first of another one.
    let out = transcript(values(sessions()), &[Input(&[1, 11]), Watermark(50)]);
    assert_eq!(out[1], [(1, 10, vec![1], Pane::Final), (11, 20, vec![11], Pane::Final)]);
    // Late by the watermark, but the session that it belongs to goes on.
    let out = transcript(values(sessions()), &[Input(&[1, 9]), Watermark(15), Input(&[2]), Watermark(50)]);
    assert_eq!(out[3], [(1, 18, vec![1, 9, 2], Pane::Final)]);
    // What was sent is corrected when it becomes a part of a longer one.
    let kept = || values(sessions().corrections(secs(30)));
    let out =
        transcript(kept(), &[Input(&[1]), Watermark(15), Input(&[9]), Watermark(19), Input(&[40]), Watermark(50)]);
    assert_eq!((&out[1][..], out[2].len()), (&[(1, 10, vec![1], Pane::Final)][..], 0));
    assert_eq!(out[3], [(1, 18, vec![1, 9], Pane::Correction)]);
    assert_eq!(out[5], [(40, 49, vec![40], Pane::Final)]);
}

#[test]
fn e10_early_results_of_beam() {
    use Step::{Early, Input, Watermark};
    // By the clock, where Beam counts events; and each result has all values, as with its accumulating mode.
    let steps = [Input(&[1, 2, 3]), Early, Input(&[4]), Input(&[14]), Early, Early, Input(&[5]), Watermark(100)];
    let out = transcript(values(tens().early(secs(1))), &steps);
    assert_eq!(out[1], [(0, 9, vec![1, 2, 3], Pane::Early)]);
    assert_eq!(out[4], [(0, 9, vec![1, 2, 3, 4], Pane::Early), (10, 19, vec![14], Pane::Early)]);
    assert_eq!(out[5], []); // nothing new
    assert_eq!(out[7], [(0, 9, vec![1, 2, 3, 4, 5], Pane::Final), (10, 19, vec![14], Pane::Final)]);
}
