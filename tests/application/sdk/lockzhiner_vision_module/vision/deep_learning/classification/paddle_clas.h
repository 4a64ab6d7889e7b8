// Stands in for the vendor's header: the calls of its published examples, with their types.
#pragma once
#include <fstream>
#include <opencv2/opencv.hpp>
#include <string>
namespace lockzhiner_vision_module {
namespace vision {
struct ClassificationResult {
    int label_id;
    float score;
};
class PaddleClas {
public:
    bool Initialize(const std::string &path) { return std::ifstream(path).good(); }
    ClassificationResult Predict(const cv::Mat &) { return {calls_++, 0.5f}; }

private:
    int calls_ = 0;
};
}  // namespace vision
}  // namespace lockzhiner_vision_module
