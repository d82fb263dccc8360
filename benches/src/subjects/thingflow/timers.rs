//! A sensor of one second for each place on the grid.

// pub fn run(grid: &Grid) -> Result<()>
// Schedules `grid.sensors` sensors, sensor i first due at `grid.first(i)` and then each `PERIOD`, calling
// `tick(grid.phase(i))` when sampled; calls `grid.set_up()`; runs until `grid.end()`.
