"""Models from elsewhere: says what an uploaded file is, and fixes what can be fixed safely."""
