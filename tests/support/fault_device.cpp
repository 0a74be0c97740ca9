#include "tests/support/fault_device.h"

#include "lib/base/error.h"

namespace cv::test {

void FaultDevice::fail() const {
  throw Error(Errc::io, "can't use {}: Input/output error", path());
}

bool FaultDevice::strikes() {
  if (plan_.is_dead) fail();
  if (++plan_.done != plan_.at) return false;
  plan_.is_dead = plan_.kind == FaultPlan::Kind::dies || plan_.kind == FaultPlan::Kind::dies_midway;
  return true;
}

void FaultDevice::read(Bytes at, std::span<std::byte> into) {
  if (plan_.is_dead) fail();
  target_.read(at, into);
}

void FaultDevice::write(Bytes at, std::span<const std::byte> from) {
  const bool is_struck = strikes();
  using enum FaultPlan::Kind;
  if (is_struck && plan_.kind == forgets) plan_.is_forgetful = true;
  if (plan_.is_forgetful || (is_struck && plan_.kind == forgets_once)) return;
  if (!is_struck) return target_.write(at, from);
  if (plan_.kind == FaultPlan::Kind::dies_midway)
    target_.write(at, from.first(from.size() / 2 / kSectorBytes * kSectorBytes));
  if (plan_.kind == FaultPlan::Kind::arrives) target_.write(at, from);
  fail();
}

void FaultDevice::flush() {
  const bool only_forgets =
      plan_.kind == FaultPlan::Kind::forgets || plan_.kind == FaultPlan::Kind::forgets_once;
  if (strikes() && !only_forgets) fail();
  target_.flush();
}

}  // namespace cv::test
