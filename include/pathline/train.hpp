/// \file
/// Room `train`: from data to parameters. `fit` (train/fit.hpp, where to start) draws mini-batches, takes the steps
/// of an optimizer and keeps the best parameters; what it does on the way are policies. `minimize` and
/// `fit_full_batch` (train/full_batch) are L-BFGS, on all the data at a time. `split` and `fold_of` hold data out.
/// `kl_estimate`, `mmd_squared` and the path metrics (train/metric) judge a trained flow. What a run that may be
/// interrupted keeps is in train/checkpoint; io/checkpoint.hpp keeps it in a file. What compilers take long to read
/// is included by name: flow matching, training without solves (train/matching/flow_matching.hpp); variational
/// inference, by an unnormalised density in place of data (train/variational/fit_variational.hpp); least squares with
/// standard errors (train/least_squares/fit_least_squares.hpp); `Muon` (train/optimizer/muon.hpp); and data of known
/// density (`sample_toy`, train/toy/toy_densities.hpp).
#pragma once

#include <pathline/train/adam.hpp>
#include <pathline/train/batch_source.hpp>
#include <pathline/train/callbacks.hpp>
#include <pathline/train/checkpoint/kept_run.hpp>
#include <pathline/train/checkpoint/run_keeper.hpp>
#include <pathline/train/checkpoint/run_settings.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>
#include <pathline/train/exponential_moving_average.hpp>
#include <pathline/train/fit.hpp>
#include <pathline/train/fit_options.hpp>
#include <pathline/train/fit_policies.hpp>
#include <pathline/train/fit_report.hpp>
#include <pathline/train/fit_sequences.hpp>
#include <pathline/train/full_batch/fit_full_batch.hpp>
#include <pathline/train/full_batch/lbfgs.hpp>
#include <pathline/train/full_batch/line_search.hpp>
#include <pathline/train/full_batch/minimize.hpp>
#include <pathline/train/gradient_transform.hpp>
#include <pathline/train/metric/estimate.hpp>
#include <pathline/train/metric/mmd.hpp>
#include <pathline/train/metric/path_metrics.hpp>
#include <pathline/train/metric/quadrature.hpp>
#include <pathline/train/optimizer.hpp>
#include <pathline/train/print_progress.hpp>
#include <pathline/train/progress_line.hpp>
#include <pathline/train/rows_at_fault.hpp>
#include <pathline/train/schedule.hpp>
#include <pathline/train/sgd.hpp>
#include <pathline/train/shuffled_rows.hpp>
#include <pathline/train/solver_check.hpp>
#include <pathline/train/split.hpp>
#include <pathline/train/trainable.hpp>
#include <pathline/train/training.hpp>
#include <pathline/train/training_plan.hpp>
#include <pathline/train/training_state.hpp>
#include <pathline/train/weighted_data.hpp>
