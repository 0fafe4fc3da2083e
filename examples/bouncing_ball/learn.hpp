/// \file
/// Height of the drop, restitution and drag of a ball from the times of its bounces, by gradients through events.
#pragma once

#include <functional>
#include <vector>

/// What one bounce after another is known by. SI units.
struct Ball {
  double height, restitution, drag;  ///< m, of the velocity, 1/m.
};

constexpr double gravity = 9.81;  // m/s²
constexpr double slowest = 1e-2;  // m/s; a slower bounce is none: they would follow each other without number

/// When the ball bounces, up to `count` times, or until a bounce leaves less than `slowest`.
std::vector<double> bounce_times(const Ball& ball, int count);

/// The ball whose bounces are nearest to those that were heard: least squares, by Levenberg and Marquardt.
///
/// \param tell  Called with the iteration, the root of the mean squared difference in seconds and the best ball so far.
Ball learn(const std::vector<double>& heard, const Ball& guess, int iterations,
           const std::function<void(int, double, const Ball&)>& tell);
