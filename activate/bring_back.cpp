#include "activate/bring_back.h"

#include <algorithm>

#include "lib/base/error.h"

namespace cv::activate {

namespace {

/// A device that is not known to have a length gets this one.
constexpr Sectors kLeast{8};

Table table_of_errors(Sectors length) {
  return {{Sectors(0), std::max(length, kLeast), ErrorTarget{}}};
}

/// Runs the steps of one comeback; what they throw only tells that they failed.
class Rescue {
 public:
  Rescue(Mapper& mapper, const WayBack& way) : mapper_(mapper), way_(way) {}

  bool run(const Operation& operation) {
    try {
      mapper_.run(operation);
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  /// Nothing where the kernel does not say.
  std::optional<DeviceInfo> look() {
    try {
      return mapper_.find_uuid(way_.uuid);
    } catch (const std::exception&) {
      return std::nullopt;
    }
  }

  bool replace_and_resume(const Operation& load) { return run(load) && run(way_.resume); }

 private:
  Mapper& mapper_;
  const WayBack& way_;
};

}  // namespace

WayBack way_back(const PlannedDevice& device, const Table& former, bool former_read_only) {
  const ResumeDevice resume{device.uuid, device.publication, device.read_ahead};
  const Table errors = table_of_errors(length_of(former.empty() ? device.table : former));
  WayBack way{.group = device.lv.substr(0, device.lv.find('/')),
              .name = device.name,
              .uuid = device.uuid,
              .resume = resume,
              .clear = ClearInactive{device.uuid},
              .load_former = std::nullopt,
              .load_errors = LoadTable{device.uuid, errors, former_read_only}};
  if (!former.empty() && !holds_key_bytes(former))
    way.load_former = LoadTable{device.uuid, former, former_read_only};
  return way;
}

Comeback bring_back(Mapper& mapper, const WayBack& way, Waiting waiting) {
  Rescue rescue(mapper, way);
  const auto info = rescue.look();
  const bool takes_waiting = waiting == Waiting::take && info && info->has_inactive_table;
  if (info && !info->suspended && !takes_waiting) {
    if (info->has_inactive_table) rescue.run(way.clear);
    return Comeback::as_before;
  }
  // A table that was never to be live must not come in with the resume.
  if (waiting == Waiting::drop) rescue.run(way.clear);
  if (rescue.run(way.resume)) return takes_waiting ? Comeback::as_wanted : Comeback::as_before;
  if (way.load_former && rescue.replace_and_resume(*way.load_former)) return Comeback::as_before;
  if (rescue.replace_and_resume(way.load_errors)) return Comeback::with_errors;
  // Whoever resumes it later shall not bring the errors in.
  rescue.run(way.clear);
  const auto left = rescue.look();
  return left && !left->suspended ? Comeback::as_before : Comeback::stands_still;
}

void resume_or_bring_back(Mapper& mapper, const WayBack& way, Waiting waiting) {
  try {
    mapper.run(way.resume);
  } catch (const std::exception& error) {
    const auto comeback = bring_back(mapper, way, waiting);
    if (comeback >= Comeback::with_errors) throw comeback_error(way, comeback, error.what());
    if (comeback == Comeback::as_before) throw;
  }
}

Error comeback_error(const WayBack& way, Comeback comeback, std::string_view cause) {
  CV_ASSERT(comeback == Comeback::with_errors || comeback == Comeback::stands_still);
  if (comeback == Comeback::with_errors)
    return Error(Errc::kernel,
                 "{} could be resumed with none of its tables, so that it now answers every request with an "
                 "error: {}",
                 way.name, cause)
        .advise(
            "`cvchange --refresh {}` gives it its table back; the kernel's log (dmesg) says what is wrong",
            way.group);
  return Error(Errc::kernel, "{} is suspended and can't be resumed, so that whoever uses it waits: {}",
               way.name, cause)
      .advise(
          "`cvchange --refresh {}` tries again, `cvchange -an {}` closes it; the kernel's log (dmesg) says "
          "what is wrong",
          way.group, way.group);
}

}  // namespace cv::activate
