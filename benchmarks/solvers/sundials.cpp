#include <benchmarks/solvers/sundials.hpp>

#include <arkode/arkode_arkstep.h>
#include <arkode/arkode_erkstep.h>
#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <sundials/sundials_context.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#include <algorithm>

namespace pathline::sundials {

namespace {

constexpr long max_steps = 1'000'000;

int evaluate(realtype t, N_Vector y, N_Vector dy, void* problem) {
  static_cast<const Problem*>(problem)->rhs(t, N_VGetArrayPointer(y), N_VGetArrayPointer(dy));
  return 0;
}
int jacobian(realtype t, N_Vector y, N_Vector, SUNMatrix J, void* problem, N_Vector, N_Vector, N_Vector) {
  static_cast<const Problem*>(problem)->jacobian(t, N_VGetArrayPointer(y), SUNDenseMatrix_Data(J));
  return 0;
}
void silent(int, const char*, const char*, char*, void*) {}

/// What all solves share, freed in the right order.
struct Storage {
  explicit Storage(const Problem& problem) {
    SUNContext_Create(nullptr, &context);
    y = N_VNew_Serial(problem.d, context);
    std::copy(problem.y0.begin(), problem.y0.end(), N_VGetArrayPointer(y));
  }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  ~Storage() {
    if (linear) SUNLinSolFree(linear);
    if (nonlinear) SUNNonlinSolFree(nonlinear);
    if (matrix) SUNMatDestroy(matrix);
    N_VDestroy(y);
    SUNContext_Free(&context);
  }
  void dense(Index d) {
    matrix = SUNDenseMatrix(d, d, context);
    linear = SUNLinSol_Dense(y, matrix, context);
  }
  SUNContext context = nullptr;
  N_Vector y = nullptr;
  SUNMatrix matrix = nullptr;
  SUNLinearSolver linear = nullptr;
  SUNNonlinearSolver nonlinear = nullptr;
};

bool cvode(const Problem& problem, bool stiff, double rtol, double atol, Storage& storage, Work& work) {
  void* memory = CVodeCreate(stiff ? CV_BDF : CV_ADAMS, storage.context);
  CVodeInit(memory, evaluate, 0, storage.y);
  CVodeSetErrHandlerFn(memory, silent, nullptr);
  CVodeSStolerances(memory, rtol, atol);
  CVodeSetUserData(memory, const_cast<Problem*>(&problem));
  CVodeSetMaxNumSteps(memory, max_steps);
  CVodeSetStopTime(memory, problem.t_end);
  if (stiff) {
    storage.dense(problem.d);
    CVodeSetLinearSolver(memory, storage.linear, storage.matrix);
    CVodeSetJacFn(memory, jacobian);
  } else {
    storage.nonlinear = SUNNonlinSol_FixedPoint(storage.y, 0, storage.context);
    CVodeSetNonlinearSolver(memory, storage.nonlinear);
  }
  realtype t = 0;
  const bool solved = CVode(memory, problem.t_end, storage.y, &t, CV_NORMAL) >= 0;
  long steps = 0, failed = 0, diverged = 0;
  CVodeGetNumSteps(memory, &steps);
  CVodeGetNumErrTestFails(memory, &failed);
  CVodeGetNumStepSolveFails(memory, &diverged);
  CVodeGetNumRhsEvals(memory, &work.evaluations);
  if (stiff) CVodeGetNumJacEvals(memory, &work.jacobians);
  work.accepted = steps;
  work.rejected = failed + diverged;
  CVodeFree(&memory);
  return solved;
}

bool arkode_explicit(const Problem& problem, double rtol, double atol, Storage& storage, Work& work) {
  void* memory = ERKStepCreate(evaluate, 0, storage.y, storage.context);
  ERKStepSetErrHandlerFn(memory, silent, nullptr);
  ERKStepSStolerances(memory, rtol, atol);
  ERKStepSetUserData(memory, const_cast<Problem*>(&problem));
  ERKStepSetTableNum(memory, ARKODE_DORMAND_PRINCE_7_4_5);
  ERKStepSetMaxNumSteps(memory, max_steps);
  ERKStepSetStopTime(memory, problem.t_end);
  realtype t = 0;
  const bool solved = ERKStepEvolve(memory, problem.t_end, storage.y, &t, ARK_NORMAL) >= 0;
  ERKStepGetNumSteps(memory, &work.accepted);
  ERKStepGetNumErrTestFails(memory, &work.rejected);
  ERKStepGetNumRhsEvals(memory, &work.evaluations);
  ERKStepFree(&memory);
  return solved;
}

bool arkode_implicit(const Problem& problem, double rtol, double atol, Storage& storage, Work& work) {
  void* memory = ARKStepCreate(nullptr, evaluate, 0, storage.y, storage.context);
  ARKStepSetErrHandlerFn(memory, silent, nullptr);
  ARKStepSStolerances(memory, rtol, atol);
  ARKStepSetUserData(memory, const_cast<Problem*>(&problem));
  ARKStepSetTableNum(memory, ARKODE_KVAERNO_7_4_5, ARKODE_ERK_NONE);
  ARKStepSetMaxNumSteps(memory, max_steps);
  ARKStepSetStopTime(memory, problem.t_end);
  storage.dense(problem.d);
  ARKStepSetLinearSolver(memory, storage.linear, storage.matrix);
  ARKStepSetJacFn(memory, jacobian);
  realtype t = 0;
  const bool solved = ARKStepEvolve(memory, problem.t_end, storage.y, &t, ARK_NORMAL) >= 0;
  long failed = 0, diverged = 0, none = 0;
  ARKStepGetNumSteps(memory, &work.accepted);
  ARKStepGetNumErrTestFails(memory, &failed);
  ARKStepGetNumStepSolveFails(memory, &diverged);
  ARKStepGetNumRhsEvals(memory, &none, &work.evaluations);
  ARKStepGetNumJacEvals(memory, &work.jacobians);
  work.rejected = failed + diverged;
  ARKStepFree(&memory);
  return solved;
}

}  // namespace

bool solve(const Problem& problem, Method method, double rtol, double atol, std::vector<double>& y, Work& work) {
  Storage storage(problem);
  bool solved = false;
  switch (method) {
    case Method::cvode_bdf:
      solved = cvode(problem, true, rtol, atol, storage, work);
      break;
    case Method::cvode_adams:
      solved = cvode(problem, false, rtol, atol, storage, work);
      break;
    case Method::arkode_dormand_prince:
      solved = arkode_explicit(problem, rtol, atol, storage, work);
      break;
    case Method::arkode_kvaerno:
      solved = arkode_implicit(problem, rtol, atol, storage, work);
      break;
  }
  const double* const end = N_VGetArrayPointer(storage.y);
  y.assign(end, end + problem.d);
  return solved;
}

}  // namespace pathline::sundials
