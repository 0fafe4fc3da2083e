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

/// What the passes read of layer i, addressed alike for all layers: κ_i, T_i, S_i, z_{i+1} and P_i, and how far it is
/// from one sample to the next: `rows` for T and S, 0 for a z or P that all samples share.
template <Real Scalar>
struct PotentialLevel {
  Index rows;
  Scalar factor;  // κ_0 = 1, κ_i = h
  const Scalar *T, *S, *z, *P;
  Index z_next, P_next;
  Index direction;  // from one direction of P to the next

  void next() {
    T += rows;
    S += rows;
    z += z_next;
    P += P_next;
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

/// J_0 = T_0 ⊙ K_0 E for n samples; J_0 is a block of n columns a direction.
template <class Directions, Real Scalar>
void first_derivatives(Directions d, Index n, PotentialLevel<Scalar> at, Scalar* J_0) {
  const Index m = at.rows, direction = m * n;
  for (Index j = 0; j < n; ++j, at.next(), J_0 += m)
    for_packs<Scalar>(m, [=](auto lanes, Index row) {
      const auto slope = lanes.load(at.T + row);
      for (Index k = 0; k < d; ++k)
        lanes.store(slope * lanes.load(at.P + k * at.direction + row), J_0 + k * direction + row);
    });
}

/// y_i = κ_i T_i ⊙ z_{i+1} for n samples; takes κ_i Σ S_i ⊙ z_{i+1} ⊙ ρ(P_i) from the trace of each.
template <class Directions, Real Scalar>
void descend(Directions d, Index n, PotentialLevel<Scalar> at, Scalar* y, Scalar* trace, Index trace_next) {
  for (Index j = 0; j < n; ++j, at.next(), y += at.rows, trace += trace_next)
    *trace -= at.factor * sum_packs<Scalar>(at.rows, [=](auto lanes, Index row) {
                const auto z = lanes.load(at.z + row);
                lanes.store(lanes.load(at.T + row) * z * at.factor, y + row);
                return lanes.load(at.S + row) * z * sum_of_squares(lanes, d, at.P + row, at.direction);
              });
}

/// Where the way back through one layer reads and writes: pointers to sample 0, the next sample is `rows` further. P̄
/// of direction k starts (k + 1) · rows · n after ā.
template <Real Scalar>
struct PotentialBars {
  const Scalar *y_bar, *z_bar;  // K_i z̄_i and z̄_i
  Scalar *y, *z_bar_above;      // y_i and z̄_{i+1}
  Scalar* bars;                 // [ā_i | P̄_i]
};

/// The first layer's way back through the sweep down, where z̄_0 = 0 and P_0 is the same for all samples: writes y_0,
/// z̄_1 and ā_0, and adds Σ τ̄ S_0 ⊙ z_1 over the samples to `P_0_factor`.
template <class Directions, Real Scalar>
void pull_back_descent_of_first(Directions d, Index n, PotentialLevel<Scalar> at, const Scalar* trace_bar,
                                Index trace_bar_next, PotentialBars<Scalar> bar, Scalar* P_0_factor) {
  const Index m = at.rows;
  for (Index j = 0; j < n; ++j, at.next(), trace_bar += trace_bar_next) {
    const Scalar tau = -*trace_bar;
    for_packs<Scalar>(m, [=](auto lanes, Index row) {
      const auto T = lanes.load(at.T + row), S = lanes.load(at.S + row), z = lanes.load(at.z + row),
                 y_bar = lanes.load(bar.y_bar + row), curved = S * z,
                 squares = sum_of_squares(lanes, d, at.P + row, at.direction) * tau;
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
    bar.z_bar_above += m;
    bar.bars += m;
  }
}

/// Layer i of the way back through u_i = u_{i-1} + κ_i σ(a_i) and J_i = J_{i-1} + κ_i T_i ⊙ P_i: given
/// U_bar = [ū_i | J̄_i], adds to bars = [ā_i | P̄_i] and the sum of ā_i over the samples to bias_bar. P̄_0 of the first
/// layer, whose P_0 all samples share, goes to `P_0_bar` (m × d) at once, null for the others.
template <class Directions, Real Scalar>
void pull_back_ascent(Directions d, Index n, PotentialLevel<Scalar> at, const Scalar* U_bar, Scalar* bars,
                      Scalar* bias_bar, Scalar* P_0_bar) {
  const Index m = at.rows, direction = m * n;
  const bool first = P_0_bar != nullptr;
  for (Index j = 0; j < n; ++j, at.next(), U_bar += m, bars += m)
    for_packs<Scalar>(m, [=](auto lanes, Index row) {
      const auto T = lanes.load(at.T + row) * at.factor;
      typename decltype(lanes)::Value along(Scalar(0));
      for (Index k = 0; k < d; ++k) {
        const Index there = (k + 1) * direction + row;
        const auto J_bar = lanes.load(U_bar + there);
        along = madd(J_bar, lanes.load(at.P + k * at.direction + row), along);
        lanes.add(T * J_bar, first ? P_0_bar + k * m + row : bars + there);
      }
      const auto a_bar =
          lanes.load(bars + row) + madd(T, lanes.load(U_bar + row), lanes.load(at.S + row) * at.factor * along);
      lanes.store(a_bar, bars + row);
      lanes.add(a_bar, bias_bar + row);
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

/// The first layer, given ū_0 and T̄_0: ā_0 += T_0 ⊙ ū_0 + S_0 ⊙ T̄_0, and its sum over the samples to bias_bar.
template <Real Scalar>
void pull_back_first_activation(Index n, PotentialLevel<Scalar> at, const Scalar* u_bar, const Scalar* T_bar,
                                Scalar* a_bar, Scalar* bias_bar) {
  const Index m = at.rows;
  for (Index j = 0; j < n; ++j, at.next(), u_bar += m, T_bar += m, a_bar += m)
    for_packs<Scalar>(m, [=](auto lanes, Index row) {
      const auto sum = madd(lanes.load(at.T + row), lanes.load(u_bar + row),
                            madd(lanes.load(at.S + row), lanes.load(T_bar + row), lanes.load(a_bar + row)));
      lanes.store(sum, a_bar + row);
      lanes.add(sum, bias_bar + row);
    });
}

}  // namespace pathline::detail
