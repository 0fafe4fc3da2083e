// All functions of the exported headers, to see what they ask of the linker.
#include "deep_flow.hpp"
#include "potential_flow.hpp"
#include "shallow_flow.hpp"
#include "softplus_flow.hpp"
#include "tanh_flow.hpp"

#define ALL_CALLS(name)                                                                                                \
  bool name##_log_prob(const name::data_scalar(&x)[name::data_rows], name::scalar& p) { return name::log_prob(x, p); } \
  bool name##_transform(const name::data_scalar(&x)[name::data_rows], name::scalar(&z)[name::dim]) {                   \
    return name::transform(x, z);                                                                                      \
  }                                                                                                                    \
  bool name##_sample(const name::scalar(&z)[name::data_rows], name::data_scalar(&x)[name::dim]) {                      \
    return name::sample(z, x);                                                                                         \
  }

ALL_CALLS(tanh_flow)
ALL_CALLS(softplus_flow)
ALL_CALLS(potential_flow)
ALL_CALLS(shallow_flow)
ALL_CALLS(deep_flow)
