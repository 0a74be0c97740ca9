// Key handlers from elsewhere in a directory as an administrator would have it.
#pragma once

#include <string>
#include <string_view>

#include "lib/crypt/external.h"
#include "tests/support/temp_dir.h"

namespace cv::test {

class HandlerRoom {
 public:
  /// Nothing is in it; what is put there belongs to who runs the test, who stands for root.
  HandlerRoom();

  /// One of tests/plugin and examples/key-handler, under that name or another.
  void install(std::string_view plugin) { install(plugin, plugin); }
  void install(std::string_view plugin, std::string_view name);
  std::string path(std::string_view name) const { return folder_.path(name); }
  /// Of plugins, with a short patience.
  crypt::ExternalHandlers settings() const;

 private:
  TempDir folder_;
};

}  // namespace cv::test
