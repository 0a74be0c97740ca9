#include "activate/mapper.h"

#include "lib/base/error.h"

namespace cv::activate {

namespace {

class AbsentMapper final : public Mapper {
 public:
  std::optional<DeviceInfo> find_uuid(const std::string&) override { return std::nullopt; }
  std::optional<DeviceInfo> find_name(const std::string&) override { return std::nullopt; }
  std::vector<DeviceInfo> list() override { return {}; }
  std::optional<Table> live_table(const std::string&) override { return std::nullopt; }
  bool is_shown(const std::string&, std::optional<DeviceNumber>, const Publication&) override { return true; }
  std::optional<std::uint32_t> read_ahead(DeviceNumber) override { return std::nullopt; }
  void run(const Operation&) override {
    throw Error(Errc::unsupported,
                "there is no device-mapper here, so no volume can be activated or deactivated")
        .advise("load the kernel module dm_mod, or use -an where the volume need not be active");
  }
  void settle() override {}
  std::optional<TargetVersion> target_version(const std::string&) override { return std::nullopt; }
};

}  // namespace

std::unique_ptr<Mapper> absent_mapper() {
  return std::make_unique<AbsentMapper>();
}

}  // namespace cv::activate
