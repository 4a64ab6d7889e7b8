// Stands in for the vendor's header: the calls of its published examples, with their types.
#pragma once
#include <fstream>
#include <opencv2/opencv.hpp>
#include <string>
#include <vector>
namespace lockzhiner_vision_module {
namespace vision {
struct DetectionResult {
    cv::Rect box;
    float score;
    int label_id;
};
class PaddleDet {
public:
    bool Initialize(const std::string &path) { return std::ifstream(path).good(); }
    bool SetThreshold(float score, float) {
        score_ = score;
        return true;
    }
    std::vector<DetectionResult> Predict(const cv::Mat &) {
        if (calls_++) return {};
        return {{{1, 2, 30, 40}, score_, 0}, {{5, 6, 7, 8}, 0.9f, 99}};
    }

private:
    float score_ = 0;
    int calls_ = 0;
};
}  // namespace vision
}  // namespace lockzhiner_vision_module
