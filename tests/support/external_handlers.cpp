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

void HandlerRoom::add_program(const std::string& name, const std::string& script) {
  write_file(path(name), "#!/bin/sh\n" + script + "\n");
  ::chmod(path(name).c_str(), 0755);
  programs_[name] = {.words = {path(name)}, .patience = patience_, .region = region_};
}

void HandlerRoom::add_cellar(const std::string& name) {
  add_program(name, R"sh(request=$(cat)
field() { printf %s "$request" | sed -n 's/.*"'$1'":"\([^"]*\)".*/\1/p'; }
case $request in
  *'"operation":"format"'*) printf '%s %s' "$(field secret)" "$(field key)" ;;
  *) kept=$(field store | base64 -d)
     [ "${kept% *}" = "$(field secret)" ] || exit 2
     printf %s "${kept#* }" | base64 -d ;;
esac)sh");
  programs_[name].asks_secret = true;
}

crypt::ExternalHandlers HandlerRoom::settings() const {
  crypt::ExternalHandlers settings;
  settings.plugin_dir = folder_.path("");
  settings.plugin_patience = std::chrono::seconds(20);
  settings.owner = ::getuid();
  settings.command = [this](std::string_view name) -> std::optional<crypt::CommandSpec> {
    const auto found = programs_.find(name);
    if (found == programs_.end()) return std::nullopt;
    return found->second;
  };
  return settings;
}

}  // namespace cv::test
