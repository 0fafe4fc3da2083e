/// \file
/// What a flow of two components answers, with all bits: the same text whether the program knows the flow's type.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <iostream>

/// Two components and, of a conditional flow, a row of context, of five samples.
inline Eigen::MatrixXd data_of(pathline::Index rows) {
  return Eigen::MatrixXd::NullaryExpr(rows, 5, [](auto i, auto j) { return 0.25 * double((3 * i + 5 * j) % 7) - 1; });
}

template <class Scalar, class Flow>
void print_answers(const Flow& flow) {
  const pathline::Batch<Scalar> X = data_of(flow.data_rows()).template cast<Scalar>();
  pathline::Batch<Scalar> Z = X;
  Z.topRows(2) = flow.transform(X).template cast<Scalar>();
  pathline::Rng rng(3);
  const auto print = [](const auto& numbers) {
    const Eigen::MatrixXd values = numbers.template cast<double>();
    for (pathline::Index i = 0; i < values.size(); ++i) std::cout << ' ' << values.data()[i];
    std::cout << '\n';
  };
  std::cout << std::hexfloat << flow.dim() << ' ' << flow.context_rows() << '\n';
  print(flow.log_prob(X));
  print(Z);
  if constexpr (requires { typename Flow::DataScalar; })  // of a flow whose type is known
    print(flow.inverse(Z.template cast<typename Flow::Scalar>()));
  else
    print(flow.inverse(Z));
  if (flow.context_rows() > 0) {
    print(flow.sample(X.bottomRows(1), rng));
    print(flow.sample_with_log_prob(X.bottomRows(1), rng).log_prob);
  } else {
    print(flow.sample(4, rng));
    print(flow.sample_with_log_prob(4, rng).log_prob);
  }
}
