// LVM2's configuration as far as we heed it: --config before lvmlocal.conf before lvm.conf.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/tree.h"

namespace cv::tools {

class Configuration {
 public:
  /// Nothing configured.
  Configuration() = default;
  /// `folder` is /etc/lvm or what LVM_SYSTEM_DIR says; files that are not there configure nothing.
  /// `overrides` are what --config was given, the last goes first. Throws Errc::usage for one that can't be
  /// read, Errc::damaged for a file.
  Configuration(std::string folder, const std::vector<std::string>& overrides);

  /// "section/key". Values of another kind count as absent; the constructor warns of them.
  std::optional<std::int64_t> integer(std::string_view path) const;
  std::optional<std::string> text(std::string_view path) const;
  /// Empty where there is none. Throws Errc::usage for what is no list of texts, or an empty one.
  std::vector<std::string> texts(std::string_view path) const;
  /// A number other than 0, or "yes" and "no", "on" and "off", "true" and "false", "y" and "n".
  bool flag(std::string_view path, bool otherwise) const;

  const std::string& folder() const { return folder_; }

 private:
  const config::Tree* find(std::string_view path) const;

  std::string folder_;
  std::vector<config::Tree> trees_;  ///< what goes first stands first
};

/// global/system_id_source: the id that groups of this host carry; empty: none.
std::string host_system_id(const Configuration& configuration);

}  // namespace cv::tools
