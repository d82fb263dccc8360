//! [`LinearKalman`]: a Kalman filter with several states, on the crate `adskalman`.

use adskalman::{KalmanFilterNoControl, ObservationModel, StateAndCovariance, TransitionModelLinearNoControl};
use nalgebra::{Const, DimMin, OMatrix, SMatrix, SVector};
use thingflow_core::windows::Carrier;
use thingflow_core::{Emitter, Filter, InputThing, Receipt, StateVisitor};

use crate::remembered::finite;

/// A Kalman filter with `S` states that are measured by `O` sensors, for samples at a fixed rate. Events carry arrays of `O`
/// readings, of which one that is not finite is a reading that is missing: then the model alone goes on. It sends arrays of
/// the `S` states.
///
/// Each state is a place in the matrices of a linear model: `x' = F x` from one sample to the next with the covariance `Q`, and
/// readings `H x` with the covariance `R`.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::estimate::LinearKalman;
/// // A cart on a rail, measured ten times a second: position and speed, of which the first is measured.
/// let t = 0.1;
/// let cart = LinearKalman::<2, 1>::new(
///     [[1.0, t], [0.0, 1.0]],
///     [[t * t * t / 3.0, t * t / 2.0], [t * t / 2.0, t]],
///     [[1.0, 0.0]],
///     [[0.25]],
/// )
/// .starting([0.0, 0.0], [[10.0, 0.0], [0.0, 10.0]]);
/// let readings = (0..200).map(|n| [0.1 * f64::from(n) * 2.0]);
/// let states = from_iter(readings).pipe(cart).collect_now();
/// assert!((states[199][1] - 2.0).abs() < 0.01); // metres a second
/// ```
#[derive(Clone, Debug)]
pub struct LinearKalman<const S: usize, const O: usize> {
    transition: Transition<S>,
    observation: Observation<S, O>,
    first: StateAndCovariance<f64, Const<S>>,
    now: StateAndCovariance<f64, Const<S>>,
}

#[derive(Clone, Debug)]
struct Transition<const S: usize> {
    model: SMatrix<f64, S, S>,
    transposed: SMatrix<f64, S, S>,
    covariance: SMatrix<f64, S, S>,
}

#[allow(non_snake_case)] // the names of the library
impl<const S: usize> TransitionModelLinearNoControl<f64, Const<S>> for Transition<S> {
    fn F(&self) -> &SMatrix<f64, S, S> {
        &self.model
    }
    fn FT(&self) -> &SMatrix<f64, S, S> {
        &self.transposed
    }
    fn Q(&self) -> &SMatrix<f64, S, S> {
        &self.covariance
    }
}

#[derive(Clone, Debug)]
struct Observation<const S: usize, const O: usize> {
    model: SMatrix<f64, O, S>,
    transposed: SMatrix<f64, S, O>,
    covariance: SMatrix<f64, O, O>,
}

#[allow(non_snake_case)] // the names of the library
impl<const S: usize, const O: usize> ObservationModel<f64, Const<S>, Const<O>> for Observation<S, O>
where
    Const<O>: DimMin<Const<O>, Output = Const<O>>,
{
    fn H(&self) -> &OMatrix<f64, Const<O>, Const<S>> {
        &self.model
    }
    fn HT(&self) -> &OMatrix<f64, Const<S>, Const<O>> {
        &self.transposed
    }
    fn R(&self) -> &OMatrix<f64, Const<O>, Const<O>> {
        &self.covariance
    }
}

/// A matrix by its rows.
fn rows<const R: usize, const C: usize>(rows: [[f64; C]; R]) -> SMatrix<f64, R, C> {
    SMatrix::from_fn(|row, column| rows[row][column])
}

/// Whether no variance is negative, and no two states vary together more than each alone, but for what rounding makes of small
/// ones beside large ones.
fn is_covariance<const S: usize>(matrix: &SMatrix<f64, S, S>) -> bool {
    let rounding = 1e-3 * matrix.diagonal().amax();
    let variance = |n: usize| matrix[(n, n)].max(0.0) + rounding;
    let is_possible = |row, column| {
        let both: f64 = matrix[(row, column)];
        both.abs() <= variance(row).sqrt() * variance(column).sqrt()
    };
    (0..S).all(|row| matrix[(row, row)] >= -rounding && (0..S).all(|column| is_possible(row, column)))
}

impl<const S: usize, const O: usize> LinearKalman<S, O> {
    /// By the rows of the matrices `F`, `Q`, `H` and `R`. It starts at 0 with a variance of 1 for each state.
    pub fn new(f: [[f64; S]; S], q: [[f64; S]; S], h: [[f64; S]; O], r: [[f64; O]; O]) -> Self {
        let (model, seen) = (rows(f), rows(h));
        Self {
            transition: Transition { model, transposed: model.transpose(), covariance: rows(q) },
            observation: Observation { model: seen, transposed: seen.transpose(), covariance: rows(r) },
            first: StateAndCovariance::new(SVector::zeros(), SMatrix::identity()),
            now: StateAndCovariance::new(SVector::zeros(), SMatrix::identity()),
        }
    }

    /// Starts at other states, with their covariance.
    #[must_use]
    pub fn starting(self, states: [f64; S], covariance: [[f64; S]; S]) -> Self {
        let first = StateAndCovariance::new(SVector::from(states), rows(covariance));
        Self { now: first.clone(), first, ..self }
    }

    /// The states.
    pub fn states(&self) -> [f64; S] {
        (*self.now.state()).into()
    }

    /// Shows the states and their covariance to a walk; what is none is refused, and the filter begins anew.
    fn state(&mut self, state: &mut dyn StateVisitor) {
        let (mut states, mut covariance) = (*self.now.state(), *self.now.covariance());
        states.iter_mut().for_each(|number| finite(state, "state", number));
        covariance.iter_mut().for_each(|number| finite(state, "covariance", number));
        self.now = StateAndCovariance::new(states, covariance);
        if !is_covariance(&covariance) {
            state.refuse("covariance");
            self.now = self.first.clone();
        }
    }

    /// The variance of each state.
    pub fn variances(&self) -> [f64; S] {
        core::array::from_fn(|n| self.now.covariance()[(n, n)])
    }
}

impl<const S: usize, const O: usize> LinearKalman<S, O>
where
    Const<O>: DimMin<Const<O>, Output = Const<O>>,
{
    /// Takes a row of readings. Where the covariance of the readings cannot be inverted, the model alone goes on; where a
    /// state is beyond the range of a float, the filter begins anew.
    pub fn update(&mut self, readings: [f64; O]) -> [f64; S] {
        let is_whole = readings.iter().all(|reading| reading.is_finite());
        let filter = KalmanFilterNoControl::<f64, Const<S>, Const<O>>::new(&self.transition, &self.observation);
        let corrected = if is_whole { filter.step(&self.now, &SVector::from(readings)).ok() } else { None };
        self.now = corrected.unwrap_or_else(|| self.transition.predict(&self.now));
        let mut numbers = self.now.state().iter().chain(self.now.covariance().iter());
        if !numbers.all(|number| number.is_finite()) {
            self.now = self.first.clone();
        }
        self.states()
    }
}

impl<const S: usize, const O: usize, T: Carrier<Value = [f64; O]>> Filter<T> for LinearKalman<S, O>
where
    Const<O>: DimMin<Const<O>, Output = Const<O>>,
{
    type Out = T::With<[f64; S]>;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        let (readings, rest) = event.part();
        out.next(T::carry(rest, self.update(readings)))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.state(state);
    }
}
