/// \file
/// What OT-Flow's potential does element by element between its products, each in one pass over a batch.
///
/// Everything that a loop reads is a local copy: a store through a pointer to packs may change whatever else has an
/// address, and the compiler would read it again after each.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/math/for_packs.hpp>

#include <type_traits>

namespace pathline::detail {

/// What the passes read of layer i: κ_i, T_i, S_i, z_{i+1} and P_i, a block of n columns a direction. Of the first
/// layer, whose P_0 all samples share, P is null and ρ(P_0) is read instead. z of the next sample is `z_next` further,
/// 0 where all share it.
template <Real Scalar>
struct PotentialLevel {
  Index rows;
  Scalar factor;  // κ_0 = 1, κ_i = h
  const Scalar *T, *S, *z, *P, *rho_0;
  Index z_next;
  Index direction;  // from one direction of P to the next

  void next() {
    T += rows;
    S += rows;
    z += z_next;
    if (P) P += rows;
  }
};

/// Calls work with the number of directions, as a constant where it is 2: most flows to look at are of the plane, and
/// the passes are long, so that each constant more costs compile time.
template <class Work>
void with_directions(Index d, Work&& work) {
  if (d == 2)
    work(std::integral_constant<Index, 2>{});
  else
    work(d);
}

/// ρ(P) = Σ_k P_k², for the rows at p.
template <class Lanes, class Directions, class Scalar>
[[nodiscard]] EIGEN_ALWAYS_INLINE auto sum_of_squares(Lanes, Directions d, const Scalar* p, Index direction) {
  auto sum = Lanes::load(p) * Lanes::load(p);
  for (Index k = 1; k < d; ++k) sum = madd(Lanes::load(p + k * direction), Lanes::load(p + k * direction), sum);
  return sum;
}

/// ρ(K_0 E).
template <Real Scalar>
void first_squares(Index d, Index m, const Scalar* K_0, Scalar* rho_0) {
  for_packs<Scalar>(m,
                    [=](auto lanes, Index row) { lanes.store(sum_of_squares(lanes, d, K_0 + row, m), rho_0 + row); });
}

/// J_0 = T_0 ⊙ K_0 E for n samples of m rows; J_0 is a block of n columns a direction.
template <Real Scalar>
void first_derivatives(Index d, Index n, Index m, const Scalar* T, const Scalar* K_0, Scalar* J_0) {
  for (Index k = 0; k < d; ++k, K_0 += m)
    for (Index j = 0; j < n; ++j, J_0 += m)
      for_packs<Scalar>(m, [=, slope = T + j * m](auto lanes, Index row) {
        lanes.store(lanes.load(slope + row) * lanes.load(K_0 + row), J_0 + row);
      });
}

/// y_i = κ_i T_i ⊙ z_{i+1} for n samples; takes κ_i Σ S_i ⊙ z_{i+1} ⊙ ρ(P_i) from the trace of each.
template <class Directions, Real Scalar>
void descend(Directions d, Index n, PotentialLevel<Scalar> at, Scalar* y, Scalar* trace, Index trace_next) {
  for (Index j = 0; j < n; ++j, at.next(), y += at.rows, trace += trace_next)
    *trace -= at.factor * sum_packs<Scalar>(at.rows, [=](auto lanes, Index row) {
                const auto z = lanes.load(at.z + row);
                lanes.store(lanes.load(at.T + row) * z * at.factor, y + row);
                const auto squares =
                    at.P ? sum_of_squares(lanes, d, at.P + row, at.direction) : lanes.load(at.rho_0 + row);
                return lanes.load(at.S + row) * z * squares;
              });
}

/// Where the way back through one layer reads and writes: pointers to sample 0, the next sample is `rows` further. P̄ of
/// direction k starts (k + 1) · rows · n after ā.
template <Real Scalar>
struct PotentialBars {
  const Scalar *y_bar, *z_bar;  // K_i z̄_i and z̄_i
  Scalar *y, *z_bar_above;      // y_i and z̄_{i+1}
  Scalar* bars;                 // [ā_i | P̄_i]
};

/// The first layer's way back through the sweep down, where z̄_0 = 0 and P_0 is the same for all samples: writes y_0,
/// z̄_1 and ā_0, and adds Σ τ̄ S_0 ⊙ z_1 over the samples to `P_0_factor`.
template <Real Scalar>
void pull_back_descent_of_first(Index n, PotentialLevel<Scalar> at, const Scalar* trace_bar, Index trace_bar_next,
                                PotentialBars<Scalar> bar, Scalar* P_0_factor) {
  const Index m = at.rows;
  for (Index j = 0; j < n; ++j, at.next(), trace_bar += trace_bar_next) {
    const Scalar tau = -*trace_bar;
    for_packs<Scalar>(m, [=](auto lanes, Index row) {
      const auto T = lanes.load(at.T + row), S = lanes.load(at.S + row), z = lanes.load(at.z + row),
                 y_bar = lanes.load(bar.y_bar + row), curved = S * z, squares = lanes.load(at.rho_0 + row) * tau;
      lanes.store(T * z, bar.y + row);
      lanes.store(madd(T, y_bar, S * squares), bar.z_bar_above + row);
      lanes.store(curved * (y_bar - T * (squares + squares)), bar.bars + row);
      lanes.add(curved * tau, P_0_factor + row);
    });
    bar.y_bar += m;
    bar.y += m;
    bar.z_bar_above += m;
    bar.bars += m;
  }
}

/// A further layer's: given y_bar = K_i z̄_i and z_bar = z̄_i, writes y_i, z̄_{i+1} and [ā_i | P̄_i]. For the last
/// layer z̄_{M+1} is not stored but summed into `w_bar`, and ā_M is summed into `bias_bar` as well; both are null for
/// others.
template <class Directions, Real Scalar>
void pull_back_descent(Directions d, Index n, PotentialLevel<Scalar> at, const Scalar* trace_bar, Index trace_bar_next,
                       PotentialBars<Scalar> bar, Scalar* w_bar, Scalar* bias_bar) {
  const Index m = at.rows, direction = m * n;
  const bool last = w_bar != nullptr;
  for (Index j = 0; j < n; ++j, at.next(), trace_bar += trace_bar_next) {
    const Scalar tau = -*trace_bar * at.factor;
    for_packs<Scalar>(m, [=](auto lanes, Index row) {
      const auto T = lanes.load(at.T + row), S = lanes.load(at.S + row), z = lanes.load(at.z + row),
                 y_bar = lanes.load(bar.y_bar + row) * at.factor, curved = S * z,
                 squares = sum_of_squares(lanes, d, at.P + row, at.direction) * tau,
                 z_bar_above = madd(S, squares, madd(T, y_bar, lanes.load(bar.z_bar + row))),
                 a_bar = curved * (y_bar - T * (squares + squares)), twice = curved * (tau + tau);
      lanes.store(T * z * at.factor, bar.y + row);
      lanes.store(a_bar, bar.bars + row);
      for (Index k = 0; k < d; ++k)
        lanes.store(twice * lanes.load(at.P + k * at.direction + row), bar.bars + (k + 1) * direction + row);
      if (last) {
        lanes.add(z_bar_above, w_bar + row);
        lanes.add(a_bar, bias_bar + row);
      } else {
        lanes.store(z_bar_above, bar.z_bar_above + row);
      }
    });
    bar.y_bar += m;
    bar.z_bar += m;
    bar.y += m;
    if (!last) bar.z_bar_above += m;
    bar.bars += m;
  }
}

/// What J_i = J_{i-1} + κ_i T_i ⊙ P_i, of `size` entries a direction, owes to T_i and P_i: writes T̄ / κ_i, adds to P̄.
template <Real Scalar>
void pull_back_derivatives(Index d, Index size, Scalar factor, const Scalar* T, const Scalar* P, const Scalar* J_bar,
                           Scalar* P_bar, Scalar* T_bar) {
  for (Index k = 0; k < d; ++k, P += size, J_bar += size, P_bar += size)
    for_packs<Scalar>(size, [=](auto lanes, Index i) {
      const auto bar = lanes.load(J_bar + i), p = lanes.load(P + i);
      lanes.store(k == 0 ? bar * p : madd(bar, p, lanes.load(T_bar + i)), T_bar + i);
      lanes.add(lanes.load(T + i) * bar * factor, P_bar + i);
    });
}

/// Adds what J_0 = T_0 ⊙ K_0 E owes to T_0 and K_0.
template <Real Scalar>
void pull_back_first_derivatives(Index d, Index n, Index m, const Scalar* T, const Scalar* K_0, const Scalar* J_bar,
                                 Scalar* K_0_bar, Scalar* T_bar) {
  for (Index k = 0; k < d; ++k, K_0 += m, K_0_bar += m)
    for (Index j = 0; j < n; ++j, J_bar += m)
      for_packs<Scalar>(m, [=, slope = T + j * m, slope_bar = T_bar + j * m](auto lanes, Index row) {
        const auto bar = lanes.load(J_bar + row);
        lanes.store(madd(bar, lanes.load(K_0 + row), lanes.load(slope_bar + row)), slope_bar + row);
        lanes.add(lanes.load(slope + row) * bar, K_0_bar + row);
      });
}

/// Given ū_i and T̄_i / κ_i: ā_i += κ_i (T_i ⊙ ū_i + S_i ⊙ T̄_i / κ_i), and its sum over the samples to bias_bar.
template <Real Scalar>
void pull_back_activation(Index n, PotentialLevel<Scalar> at, const Scalar* u_bar, const Scalar* T_bar, Scalar* a_bar,
                          Scalar* bias_bar) {
  const Index m = at.rows;
  for (Index j = 0; j < n; ++j, at.next(), u_bar += m, T_bar += m, a_bar += m)
    for_packs<Scalar>(m, [=](auto lanes, Index row) {
      const auto T = lanes.load(at.T + row) * at.factor, S = lanes.load(at.S + row) * at.factor,
                 sum = madd(T, lanes.load(u_bar + row), madd(S, lanes.load(T_bar + row), lanes.load(a_bar + row)));
      lanes.store(sum, a_bar + row);
      lanes.add(sum, bias_bar + row);
    });
}

/// L = K diag(scale), both m × m.
template <Real Scalar>
void scale_columns(Index m, const Scalar* K, const Scalar* scale, Scalar* L) {
  for (Index j = 0; j < m; ++j, ++scale, K += m, L += m)
    for_packs<Scalar>(
        m, [=, factor = *scale](auto lanes, Index row) { lanes.store(lanes.load(K + row) * factor, L + row); });
}

/// L = diag(scale) K.
template <Real Scalar>
void scale_rows(Index m, const Scalar* K, const Scalar* scale, Scalar* L) {
  for (Index j = 0; j < m; ++j, K += m, L += m)
    for_packs<Scalar>(
        m, [=](auto lanes, Index row) { lanes.store(lanes.load(K + row) * lanes.load(scale + row), L + row); });
}

/// What L_bar, the cotangent of L = K diag(scale), owes to K and scale is added to theirs.
template <Real Scalar>
void pull_back_scaled_columns(Index m, const Scalar* K, const Scalar* scale, const Scalar* L_bar, Scalar* K_bar,
                              Scalar* scale_bar) {
  for (Index j = 0; j < m; ++j, ++scale, ++scale_bar, K += m, L_bar += m, K_bar += m) {
    const Scalar factor = *scale;
    *scale_bar += sum_packs<Scalar>(m, [=](auto lanes, Index row) {
      const auto bar = lanes.load(L_bar + row);
      lanes.add(bar * factor, K_bar + row);
      return bar * lanes.load(K + row);
    });
  }
}

}  // namespace pathline::detail
