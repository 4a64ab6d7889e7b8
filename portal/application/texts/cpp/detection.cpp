// Detects what the camera of a Lockzhiner Vision Module sees: one line of JSON for each picture.
#include "slipway_app.h"

#include <lockzhiner_vision_module/vision/deep_learning/detection/paddle_det.h>

int main() {
    lockzhiner_vision_module::vision::PaddleDet model;
    if (!slipway::load(model)) return 1;
    model.SetThreshold($score, 0.6);  // boxes from this score on; overlap of boxes of one class
    return slipway::watch([&model](cv::Mat &picture) {
        std::string line;
        for (const auto &one : model.Predict(picture)) {
            char box[120];
            std::snprintf(box, sizeof box, ", \"box\": [%d, %d, %d, %d]}", one.box.x, one.box.y, one.box.width,
                          one.box.height);
            line += (line.empty() ? "" : ", ") + slipway::answer(one.label_id, one.score) + box;
        }
        return "{\"boxes\": [" + line + "]}";
    });
}
