#include <examples/papers/ode.hpp>

namespace examples::papers {

using namespace pathline;

States solve(const Ode& ode, const Batch<float>& y0, const std::vector<double>& times, const Batch<float>& context) {
  return ode.solve(y0, times, context);
}
States solve(const AdjointOde& ode, const Batch<float>& y0, const std::vector<double>& times) {
  return ode.solve(y0, times);
}

void value_and_gradient(const Ode& ode, const Batch<float>& y0, const std::vector<double>& times, const StateLoss& loss,
                        Ode::Memory& memory, ValueAndGradient<float>& result, const Batch<float>& context) {
  ode.value_and_gradient(y0, times, loss, memory, result, context);
}
void value_and_gradient(const AdjointOde& ode, const Batch<float>& y0, const std::vector<double>& times,
                        const StateLoss& loss, AdjointOde::Memory& memory, ValueAndGradient<float>& result) {
  ode.value_and_gradient(y0, times, loss, memory, result);
}

}  // namespace examples::papers
