//! Models of ONNX files: what ONNX Runtime makes of the same samples, which `reference/onnx/make.py` has written down.
#![cfg(feature = "onnx")]
#![allow(clippy::unwrap_used)] // of what the test itself has made

use thingflow_core::prelude::*;
use thingflow_signals::models::Onnx;

const PUMP: &[u8] = include_bytes!("reference/onnx/pump.onnx");

/// The samples, what the network says of each, and the state that it finds.
fn rows() -> Vec<([f32; 4], [f32; 3], f32)> {
    let lines = include_str!("reference/onnx/pump.csv").lines().skip(1);
    let numbers = lines.map(|line| line.split(',').map(|cell| cell.parse::<f32>().unwrap()).collect::<Vec<_>>());
    numbers.map(|row| (row[..4].try_into().unwrap(), row[4..7].try_into().unwrap(), row[7])).collect()
}

#[test]
fn sz62_a_model_says_what_onnx_runtime_says() {
    let (shares, states) = (Onnx::from_bytes(PUMP).unwrap(), Onnx::from_bytes(PUMP).unwrap().output(1).unwrap());
    assert_eq!((shares.inputs(), rows().len()), (4, 50));
    for (sample, expected, state) in rows() {
        let said = shares.predict(&sample).unwrap();
        assert_eq!(said.len(), 3);
        assert!(said.iter().zip(expected).all(|(said, share)| (said - share).abs() < 1e-5), "{said:?} {expected:?}");
        assert_eq!(states.predict(&sample).unwrap(), [state]);
    }
}

#[test]
fn sz62_a_model_is_a_stage_and_its_errors_are_those_of_the_stream() {
    for (wrong, expected) in [
        (vec![0.0; 3], "the sample has 3 numbers, the model takes 4"),
        (vec![0.0, f32::NAN, 0.0, 0.0], "number 1 of the sample is NaN"),
        (vec![0.0, 0.0, 0.0, f32::INFINITY], "number 3 of the sample is inf"),
    ] {
        let pump = Onnx::from_bytes(PUMP).unwrap();
        let samples = from_iter([vec![0.0; 4], wrong]);
        let (said, error) = samples.try_map(move |sample| pump.predict(&sample)).try_collect_now();
        assert!(said.len() == 1 && said[0].iter().all(|share| share.is_finite()));
        let error = error.unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn sz62_what_cannot_be_used_is_said() {
    let error = |bytes: &[u8]| Onnx::from_bytes(bytes).unwrap_err().to_string();
    assert!(!error(b"").is_empty() && !error(b"no model").is_empty());
    let error = Onnx::open("/nowhere/pump.onnx").unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/pump.onnx: No such file"), "{error}");
    let error = Onnx::from_bytes(PUMP).unwrap().output(2).unwrap_err().to_string();
    assert_eq!(error, "there is no output 2: the model has 2, the first of which is 0");
    assert!(Onnx::of_shape(PUMP, &[1, 5]).is_err(), "it takes four");
    assert!(Onnx::of_shape(PUMP, &[0, 4]).unwrap_err().to_string().contains("[0, 4]"));
    assert_eq!(Onnx::of_shape(PUMP, &[2, 4]).unwrap().predict(&[0.5; 8]).unwrap().len(), 6);
}

/// Each byte of the file made another: it is a model or an error that can be shown, and no panic.
#[test]
fn sz62_a_damaged_file_is_an_error_or_a_model() {
    for at in 0..PUMP.len() {
        let mut bytes = PUMP.to_vec();
        bytes[at] ^= 1 << (at % 8);
        let said = Onnx::from_bytes(&bytes).and_then(|model| model.predict(&vec![0.5; model.inputs().min(1000)]));
        let text = said.map_or_else(|error| error.to_string(), |_| String::new());
        assert!(text.len() <= 2000 && text.chars().all(|char| !char.is_control()), "{at}: {text:?}");
        let _ = Onnx::from_bytes(&PUMP[..at]).map(drop);
    }
}
