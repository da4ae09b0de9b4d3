"""Landing and history: tonight's delivery, and every version ever seen."""
