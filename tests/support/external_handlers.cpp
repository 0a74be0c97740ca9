#include "tests/support/external_handlers.h"

#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace cv::test {

HandlerRoom::HandlerRoom() {
  ::chmod(folder_.path(".").c_str(), 0755);
}

void HandlerRoom::install(std::string_view plugin, std::string_view name) {
  const std::string there = folder_.path(fmt::format("{}.so", name));
  std::filesystem::copy_file(fmt::format("{}/{}.so", CVM_TEST_PLUGINS, plugin), there,
                             std::filesystem::copy_options::overwrite_existing);
  ::chmod(there.c_str(), 0644);
}

crypt::ExternalHandlers HandlerRoom::settings() const {
  crypt::ExternalHandlers settings;
  settings.plugin_dir = folder_.path("");
  settings.plugin_patience = std::chrono::seconds(20);
  settings.owner = ::getuid();
  return settings;
}

}  // namespace cv::test
