#include "tools/version.h"

namespace cv::tools {

std::string version_text() {
  return "  cvm " CVM_VERSION "\n";
}

}  // namespace cv::tools
