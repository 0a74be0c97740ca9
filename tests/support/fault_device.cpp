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
  if (!strikes()) return target_.write(at, from);
  if (plan_.kind == FaultPlan::Kind::dies_midway)
    target_.write(at, from.first(from.size() / 2 / kSectorBytes * kSectorBytes));
  if (plan_.kind == FaultPlan::Kind::arrives) target_.write(at, from);
  fail();
}

void FaultDevice::flush() {
  if (strikes()) fail();
  target_.flush();
}

}  // namespace cv::test
