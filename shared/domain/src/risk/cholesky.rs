//! Symmetric positive definite equations, solved by Cholesky's triangles.

#![expect(clippy::indexing_slicing, reason = "rows and columns stay below the size")]

/// The lower triangle of a symmetric matrix, row by row.
#[derive(Debug, Clone)]
pub struct Triangle {
    rows: Vec<Vec<f64>>,
}

impl Triangle {
    /// Zeros.
    pub fn zero(size: usize) -> Self {
        Self { rows: (0..size).map(|row| vec![0.0; row + 1]).collect() }
    }

    /// Adds to a cell and its mirror.
    pub fn add(&mut self, row: usize, column: usize, value: f64) {
        self.rows[row.max(column)][row.min(column)] += value;
    }

    /// The cell.
    #[cfg(test)]
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.rows[row.max(column)][row.min(column)]
    }

    /// The triangle whose square this matrix is. A pivot that is not positive becomes a tiny one: its unknown is all but
    /// held at zero.
    pub fn factor(mut self) -> Self {
        for row in 0..self.rows.len() {
            let (done, rest) = self.rows.split_at_mut(row);
            let current = &mut rest[0];
            for column in 0..row {
                let value = (current[column] - dot(&current[..column], &done[column][..column])) / done[column][column];
                current[column] = value;
            }
            let pivot = current[row] - dot(&current[..row], &current[..row]);
            current[row] = if pivot > 1e-10 { pivot.sqrt() } else { 1e5 };
        }
        self
    }

    /// Solves with this factor.
    pub fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut x = right.to_vec();
        for row in 0..x.len() {
            x[row] = (x[row] - dot(&self.rows[row][..row], &x[..row])) / self.rows[row][row];
        }
        for row in (0..x.len()).rev() {
            x[row] /= self.rows[row][row];
            let (before, after) = x.split_at_mut(row);
            for (value, factor) in before.iter_mut().zip(&self.rows[row]) {
                *value -= after[0] * factor;
            }
        }
        x
    }

    /// The inverse of this factor, itself a lower triangle.
    pub fn inverse(&self) -> Self {
        let mut inverse = Self::zero(self.rows.len());
        for row in 0..self.rows.len() {
            let (done, rest) = inverse.rows.split_at_mut(row);
            let current = &mut rest[0];
            for (column, done) in done.iter().enumerate() {
                let factor = self.rows[row][column];
                if factor != 0.0 {
                    for (value, other) in current.iter_mut().zip(done) {
                        *value -= factor * other;
                    }
                }
            }
            let pivot = self.rows[row][row];
            for value in current.iter_mut() {
                *value /= pivot;
            }
            current[row] = 1.0 / pivot;
        }
        inverse
    }

    /// Cells of the product of this triangle's mirror with it: of the inverse matrix, for the inverse of a factor.
    pub fn squared(&self, cells: &[(usize, usize)]) -> Vec<f64> {
        let mut sums = vec![0.0; cells.len()];
        for (at, row) in self.rows.iter().enumerate() {
            for (sum, (a, b)) in sums.iter_mut().zip(cells) {
                if *a <= at && *b <= at {
                    *sum += row[*a] * row[*b];
                }
            }
        }
        sums
    }
}

/// Eight sums side by side, so that the order of the additions is fixed and the machine may still do them at once.
fn dot(one: &[f64], other: &[f64]) -> f64 {
    let (one, one_rest) = one.as_chunks::<8>();
    let (other, other_rest) = other.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (one, other) in one.iter().zip(other) {
        for (sum, (one, other)) in sums.iter_mut().zip(one.iter().zip(other)) {
            *sum += one * other;
        }
    }
    let rest: f64 = one_rest.iter().zip(other_rest).map(|(one, other)| one * other).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solutions_and_inverses_solve() {
        let size = 40;
        let mut matrix = Triangle::zero(size);
        for row in 0..size {
            for column in 0..=row {
                matrix.add(row, column, 1.0 / (1 + row + column) as f64 + if row == column { 1.0 } else { 0.0 });
            }
        }
        let right: Vec<f64> = (0..size).map(|row| row as f64 - 7.0).collect();
        let factor = matrix.clone().factor();
        let x = factor.solve(&right);
        for (row, right) in right.iter().enumerate() {
            let product: f64 = (0..size).map(|column| matrix.at(row, column) * x[column]).sum();
            assert!((product - right).abs() < 1e-9, "{row}");
        }
        let cells: Vec<(usize, usize)> = (0..size).map(|row| (row, 3)).collect();
        let column = factor.inverse().squared(&cells);
        for row in 0..size {
            let product: f64 = (0..size).map(|at| matrix.at(row, at) * column[at]).sum();
            assert!((product - if row == 3 { 1.0 } else { 0.0 }).abs() < 1e-9, "{row}");
        }
    }
}
