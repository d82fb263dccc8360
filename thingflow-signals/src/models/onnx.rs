//! [`Onnx`]: a model that was trained elsewhere, from an ONNX file.

use std::fmt;
use std::fs;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use tract_onnx::prelude::{
    DatumType, Framework, InferenceFact, InferenceModelExt, IntoTValue, SimplePlan, TDim, Tensor, TractError,
    TractResult, TypedFact, TypedModel, TypedOp, tvec,
};
use tract_onnx::tract_hir::infer::{Factoid, GenericFactoid};

/// A network or another model that was trained elsewhere and stored as an ONNX file, by the library
/// [tract](https://docs.rs/tract-onnx), which needs no other. It says something of a sample, and learns nothing.
///
/// The model has one input, of `f32` numbers: a sample, or a window of them, in the order of its last dimension first. A
/// dimension that the file leaves open, such as that of the batch, is 1 unless [`of_shape`](Self::of_shape) says otherwise.
/// A model that takes long belongs [on a pool](thingflow_core::Scheduler::map_on_pool), so that no tick waits for it.
///
/// Load only files that you trust: what reads them is made to be quick, not to withstand an attack, and a forged one can ask for
/// any amount of memory and time.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::models::Onnx;
/// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/onnx/pump.onnx");
/// let pump = Onnx::open(file)?; // four readings: the shares of three states, and which it is
/// assert_eq!(pump.inputs(), 4);
/// let state = pump.output(1)?;
/// let states = from_iter([[0.3, 0.1, -0.5, 1.0], [-1.9, 2.4, 0.0, 0.7]]).try_map(move |readings| state.predict(&readings));
/// let (states, error) = states.try_collect_now();
/// assert!(error.is_none() && states.iter().all(|state| (0.0..3.0).contains(&state[0])));
/// # Ok::<(), thingflow_signals::models::OnnxError>(())
/// ```
pub struct Onnx {
    plan: Plan,
    shape: Vec<usize>,
    output: usize,
}

type Plan = SimplePlan<TypedFact, Box<dyn TypedOp>, TypedModel>;

impl Onnx {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is no ONNX file, has more than one input or one of other numbers, or uses an operator that the library
    /// does not have.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OnnxError> {
        let path = path.as_ref();
        let at = |error: &dyn fmt::Display| OnnxError::new(&format!("{}: {error}", path.display()));
        let bytes = fs::read(path).map_err(|error| at(&error))?;
        Self::from_bytes(&bytes).map_err(|error| at(&error))
    }

    /// A model that is part of the program: `Onnx::from_bytes(include_bytes!("pump.onnx"))`.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OnnxError> {
        guarded(|| load(bytes, None))
    }

    /// As [`from_bytes`](Self::from_bytes), with the sizes of all dimensions of the input: `[1, 64]`.
    ///
    /// # Errors
    /// As for [`open`](Self::open), and if the model takes no such input.
    pub fn of_shape(bytes: &[u8], shape: &[usize]) -> Result<Self, OnnxError> {
        guarded(|| load(bytes, Some(shape)))
    }

    /// Another output of the model than the first, counted from 0.
    ///
    /// # Errors
    /// If there is no such output.
    pub fn output(self, number: usize) -> Result<Self, OnnxError> {
        let outputs = self.plan.model().outputs.len();
        if number < outputs {
            return Ok(Self { output: number, ..self });
        }
        Err(OnnxError::new(&format!("there is no output {number}: the model has {outputs}, the first of which is 0")))
    }

    /// How many numbers a sample has.
    pub fn inputs(&self) -> usize {
        self.shape.iter().product()
    }

    /// What the model says of a sample: the numbers of its output; whole numbers as `f32`, too.
    ///
    /// # Errors
    /// If the sample has other than [`inputs`](Self::inputs) numbers, or one that is not finite, of which a network would make
    /// something that looks right; if the output is a text, or the model fails.
    pub fn predict(&self, sample: &[f32]) -> Result<Vec<f32>, OnnxError> {
        if sample.len() != self.inputs() {
            let (has, takes) = (sample.len(), self.inputs());
            return Err(OnnxError::new(&format!("the sample has {has} numbers, the model takes {takes}")));
        }
        if let Some(at) = sample.iter().position(|value| !value.is_finite()) {
            let text = format!("number {at} of the sample is {}: fill in what is missing, or leave it out", sample[at]);
            return Err(OnnxError::new(&text));
        }
        guarded(|| {
            let input = Tensor::from_shape(&self.shape, sample)?;
            let outputs = self.plan.run(tvec!(input.into_tvalue()))?;
            let output = outputs.get(self.output).ok_or_else(|| TractError::msg("the model gave no such output"))?;
            Ok(output.cast_to::<f32>()?.as_slice::<f32>()?.to_vec())
        })
    }
}

fn load(bytes: &[u8], shape: Option<&[usize]>) -> TractResult<Onnx> {
    let model = tract_onnx::onnx().model_for_read(&mut Cursor::new(bytes))?;
    let inputs = model.inputs.len();
    if inputs != 1 {
        return Err(TractError::msg(format!("the model has {inputs} inputs; only models with one can be used")));
    }
    let fact = model.input_fact(0)?;
    match fact.datum_type.concretize() {
        None | Some(DatumType::F32) => {}
        Some(other) => return Err(TractError::msg(format!("the model takes {other:?}; only f32 can be used"))),
    }
    let shape = match shape {
        Some(shape) => shape.to_vec(),
        None if fact.shape.is_open() => return Err(TractError::msg("the model does not say what shape its input has")),
        None => fact.shape.dims().map(size).collect(),
    };
    if shape.iter().try_fold(1_usize, |all, size| all.checked_mul(*size)).is_none_or(|all| all == 0) {
        return Err(TractError::msg(format!("no sample can be of the shape {shape:?}")));
    }
    let known = InferenceFact::dt_shape(DatumType::F32, &shape);
    let plan = model.with_input_fact(0, known)?.into_optimized()?.into_runnable()?;
    Ok(Onnx { plan, shape, output: 0 })
}

/// The size of a dimension; 1 if the file leaves it open.
fn size(dimension: &GenericFactoid<TDim>) -> usize {
    let said = dimension.concretize().and_then(|size| size.to_i64().ok());
    said.map_or(1, |size| usize::try_from(size).unwrap_or(0))
}

/// What the library makes of a file may be a panic: of a forged one.
fn guarded<T>(call: impl FnOnce() -> TractResult<T>) -> Result<T, OnnxError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| OnnxError::new(&format!("{error:#}"))),
        Err(_) => Err(OnnxError::new("the library that reads models has failed: the model may be damaged")),
    }
}

impl fmt::Debug for Onnx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Onnx").field("shape", &self.shape).field("output", &self.output).finish_non_exhaustive()
    }
}

/// Why an ONNX model cannot be had, or says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnnxError(String);

/// The library repeats what stands in the file; so much of it is shown.
const LONGEST: usize = 500;

impl OnnxError {
    fn new(text: &str) -> Self {
        let shown = text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(LONGEST);
        Self(shown.collect())
    }
}

impl fmt::Display for OnnxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OnnxError {}
