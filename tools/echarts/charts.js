// The charts and parts of Apache ECharts that app/static/js/charts.js uses.
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendScrollComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, GridComponent, LegendScrollComponent, LineChart, SVGRenderer, TooltipComponent]);

export { init };
